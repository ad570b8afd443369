"""The pipeline's stages: each reads its settings, opens a tracking run, and makes one call into pathgen."""
