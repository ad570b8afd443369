"""Generators of patches: networks, training, files and synthesis."""
