"""Generators, one file or folder each."""
