"""What each result was made from, and whether that is still what is there."""
