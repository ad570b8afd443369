"""Privacy: how much a synthetic set leaks about the training patches of its generators; see `audit`."""
