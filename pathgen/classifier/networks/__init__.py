"""The networks that classifiers are made of: a file each, found by its name.

A file ``pathgen/classifier/networks/{name}.py`` says:

- ``SMALLEST_IMAGE_PX``: the side of the smallest patch it takes, as a plain number.
- ``build(image_size_px)``: return the network for patches of that side. It maps float32 (N, 3, H, W) in
  [-1, 1] to log-probabilities, float32 (N, 2), of normal and tumor. Its random draws, of weights and while
  it is trained, come from torch's default generators; the caller has seeded these.
- ``HEAD`` and ``STEM``, which may be left out: beginnings of tensor names. Pretrained weights never fill the
  head, and fill the stem only where they fit.

It imports torch and leaf modules only. A stage depends on the file of its own network and on what that
imports, so that a new network trains nothing again but itself.
"""
