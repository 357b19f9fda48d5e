"""MetaLLM."""
