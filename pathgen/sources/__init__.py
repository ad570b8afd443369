"""Sources of patches: each yields a cohort, candidates, and pixels. They are listed in `registry`."""
