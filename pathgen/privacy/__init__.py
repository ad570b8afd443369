"""What a synthetic set gives away about the patches its generators learnt from; see `measure`."""
