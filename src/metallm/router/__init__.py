"""Decide, complete, feedback. Knows the parts by their protocols alone."""
