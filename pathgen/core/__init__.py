"""Foundations of all stages: settings, labels, seeds, paths, atomic files."""
