"""Patches on disk: the tables that list them, the splits and samples drawn from them, and their pixels."""
