"""Builds a Router from settings; the only file that names concrete parts."""
