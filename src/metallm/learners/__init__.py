"""What is known about each arm: statistics that grow with every outcome."""
