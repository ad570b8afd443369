"""Classifiers judged on the test patches, and the regimes compared with each other."""
