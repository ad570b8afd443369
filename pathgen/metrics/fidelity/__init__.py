"""Fidelity: how similar synthetic and original patches are, without downloaded weights.

Each metric is a file that exports ``METRIC``; `measure` lists and computes all of them. This file imports
nothing, so that a single metric can be used without the others.
"""
