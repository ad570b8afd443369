"""The cohort page: slides with their sampled patches, outliers, contact sheets."""
