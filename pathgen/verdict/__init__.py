"""The conclusion of a study: useful alone, useful as an addition, private."""
