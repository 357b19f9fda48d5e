"""Which arm to choose: from estimates to a distribution over arms."""
