"""Typed records of the results on disk: one module per kind of file, its only reader and writer."""
