"""What all stages rest on: settings, labels, seeds, safe writing of files."""
