"""One file per protocol: queries, answers and stream events to and from it. No I/O."""
