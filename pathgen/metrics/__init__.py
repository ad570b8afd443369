"""Numbers about results: how useful synthetic patches are, and how faithful."""
