"""Decide, complete, feedback."""
