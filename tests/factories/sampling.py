"""Settings of the sampling."""

from typing import Any

from pathgen.patches.settings import SampleSettings

AREA = {"rule": "area", "min_tumor_fraction": 0.5, "max_normal_fraction": 0.0, "max_exclusion_fraction": 0.1}


def sample_settings(
    per_class: dict[str, int], label: dict[str, Any] = AREA, **changes: Any
) -> SampleSettings:
    """Return the section `sample` with some changes."""
    plain = {"seed": 1, "valid_tumor_share": 0.3, "on_shortage": "stop", "label": label}
    return SampleSettings.model_validate({**plain, "per_class": per_class, **changes})
