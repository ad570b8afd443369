"""The result table beside the paper's, the plots and one self-contained page, read from files on disk."""
