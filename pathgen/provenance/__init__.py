"""Hashes of code, settings and inputs: what a result was made from, and whether that has changed."""
