"""Optional studies of many trainings, which a bare `dvc repro` does not run."""
