"""Tell of any file of the study what it is, its key facts, and whether the suite can use it."""
