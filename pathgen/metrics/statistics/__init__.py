"""Statistics of the evaluation: clustered bootstrap, confidence intervals, tests, calibration."""
