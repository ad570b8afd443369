"""Log runs to MLflow, keyed so that stages that DVC took from its cache keep their run.

Imports nothing, so that ``pathgen.tracking.settings`` stays cheap.
"""
