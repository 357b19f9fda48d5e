"""Sends a request to an arm: one HTTP client, hosts as data, prices, and a scripted double."""
