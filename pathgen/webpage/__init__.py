"""Shared parts of the HTML pages: templates, number formats, pictures as data URIs, plots and tables."""
