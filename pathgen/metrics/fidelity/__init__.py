"""How alike synthetic and original patches are; needs no downloaded weights.

`measure` is the whole of it. This package imports nothing of itself, so that its features can be used without
depending on all of its measures.
"""
