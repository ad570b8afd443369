"""Whole slides: reading, annotations, tissue, and the grid of candidate patches."""
