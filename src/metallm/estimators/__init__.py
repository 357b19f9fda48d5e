"""The router behind scikit-learn's conventions; of the extra `sklearn`."""
