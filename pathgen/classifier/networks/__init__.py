"""Networks of the classifiers: one file each, discovered by its name.

A file ``pathgen/classifier/networks/{name}.py`` defines:

- ``SMALLEST_IMAGE_PX``: side in pixels of the smallest patch.
- ``build(image_size_px)``: returns the network for patches of that side. It maps float32 (N, 3, H, W) in
  [-1, 1] to log-probabilities, float32 (N, 2), of normal and tumor. Its random numbers (initial weights,
  dropout) come from torch's default generators, which the caller seeds.
- ``HEAD`` and ``STEM``, optional: prefixes of tensor names. Pretrained weights are never loaded into the
  head, and into the stem only where they fit.

It imports torch and leaf modules only. A stage depends on the file of its own network and on its imports, so
that a new network retrains no other.
"""
