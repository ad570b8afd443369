"""Feature extractors: functions that describe a patch by a vector, without downloaded weights.

An extractor is one file here and one line below. It is imported, not found by its name, so that the code hash
of every stage that uses it includes it. The numbers of an extractor never change; a new version has a new
name, because the name is part of the metric's key.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.features import texture_v1

Extractor = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Maps RGB patches, uint8 (N, S, S, 3), to features, float64 (N, D), each patch on its own."""

EXTRACTORS: Mapping[str, Extractor] = MappingProxyType({"texture-v1": texture_v1.texture_v1})
"""Extractors by name."""

SMALLEST_SIDE_PX = 16
"""Side of the smallest patch that every extractor can describe, in px."""
