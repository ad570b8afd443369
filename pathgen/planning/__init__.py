"""Estimate of the time that a study takes, before it starts."""
