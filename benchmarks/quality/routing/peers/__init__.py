"""Adapters to other routers and bandits, one file each."""
