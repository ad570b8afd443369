"""The report of a study: result table, plots and one self-contained page, read from files on disk."""
