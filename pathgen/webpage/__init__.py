"""What the HTML pages have in common: pictures as data URIs, plots, tables, and how a template is filled."""
