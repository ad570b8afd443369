"""Sources of patches. A file that exports `SOURCE` is a source; its name is the value of `cohort.source`."""
