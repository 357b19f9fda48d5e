"""What benchmarks/speed/gateway.py is made of."""
