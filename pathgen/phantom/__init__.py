"""Procedural whole-slide images in Camelyon16's folder layout: the embedded study material.

They contain no patient data and can be shared freely. They can show that the software is correct, not
that a finding holds for real tissue.
"""
