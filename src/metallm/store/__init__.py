"""The log, and the snapshots of what was folded from it."""
