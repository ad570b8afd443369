"""What a synthetic set gives away about the patches its generators learnt from."""

from pathgen.privacy.measure import PrivacyReport, measure_privacy

__all__ = ["PrivacyReport", "measure_privacy"]
