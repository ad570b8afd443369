"""Procedural whole-slide images in Camelyon16's folder layout: the embedded study material.

Nothing in them comes from a patient, so they can be shipped, changed and shared freely. What they can
show is that the software is right, not that a finding holds for real tissue.
"""
