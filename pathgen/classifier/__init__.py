"""Tumour classifiers: networks, training, the three training regimes, prediction."""
