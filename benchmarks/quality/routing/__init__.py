"""The parts of the routing benchmark, `benchmarks/quality/route.py`."""
