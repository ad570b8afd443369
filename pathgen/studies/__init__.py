"""Studies of many trainings beside the pipeline: what they share is that a bare `dvc repro` runs none."""
