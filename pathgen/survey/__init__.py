"""What a cohort looks like: a page of its slides, pictures of each with the drawn patches, contact sheets."""
