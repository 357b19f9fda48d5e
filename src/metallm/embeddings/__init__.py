"""Text to context vector."""
