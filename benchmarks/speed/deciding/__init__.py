"""How long a decision and what it takes to learn from it take, beside other bandits."""
