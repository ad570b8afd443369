"""Identify files of a study, list their facts, and check whether the suite can use them.

Each function named ``*_facts`` takes the path of a file or folder and returns its facts as plain JSON values,
or raises a `pathgen.core.errors.PathgenError` with the reason why the suite cannot use it.
"""
