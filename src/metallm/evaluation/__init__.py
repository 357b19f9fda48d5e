"""Datasets, replay and metrics."""
