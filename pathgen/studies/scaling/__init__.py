"""How the error falls with the number of training patches, original and synthetic, without limit."""
