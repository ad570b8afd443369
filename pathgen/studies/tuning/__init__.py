"""A search over classifier settings and the size of the synthetic set, judged on validation patches."""
