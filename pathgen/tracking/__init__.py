"""Record what ran: MLflow runs, keyed so that stages DVC took from its cache keep their run.

Nothing is imported here, so that ``pathgen.tracking.settings`` stays cheap.
"""
