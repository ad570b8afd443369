"""Release bundles: a synthetic set with all that its recipients need to know."""
