"""Tests of the gateway. A package by name, for benchmarks/speed has a module called so."""
