"""How sure a result is: resampling by patient or slide, intervals, paired tests, calibration, thresholds."""
