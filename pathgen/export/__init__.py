"""Export of patch sets in the formats of other programs."""
