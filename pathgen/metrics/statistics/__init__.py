"""How sure a result is: resampling by slide, intervals, paired comparisons, calibration, operating points."""
