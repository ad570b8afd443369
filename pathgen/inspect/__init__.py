"""Tell of any file of the study what it is, its key facts, and whether the suite can use it.

Each function named ``*_facts`` takes the path of a file or folder and returns its facts as plain JSON values,
or raises a `pathgen.core.errors.PathgenError` that says why the suite cannot use it.
"""
