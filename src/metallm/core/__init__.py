"""The nouns: what the other parts speak of. No I/O, no clock, no global randomness."""
