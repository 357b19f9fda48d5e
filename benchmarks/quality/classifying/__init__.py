"""Parts of benchmarks/quality/classify.py."""
