"""Optical density: the scale on which the effects of stains add up."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def optical_density(values: NDArray[Any]) -> NDArray[np.float64]:
    """Convert transmitted light to optical density.

    Args:
        values: Grey levels in [0, 255], any shape; uint8, or float with NaN where unknown.

    Returns:
        ``-ln((value + 1) / 256)``, same shape: 0 for white, 5.5 for black. Divide by ln 10 for decadic
        units.

    Source:
        Beer-Lambert law. Natural logarithm, with 1 added so that black is finite, as in the published code
        of Macenko et al. 2009.
    """
    if values.dtype == np.uint8:
        return np.asarray(_DENSITY_OF_LEVEL[values])
    return np.asarray(-np.log((values + 1.0) / 256.0))


_DENSITY_OF_LEVEL = -np.log((np.arange(256) + 1.0) / 256.0)
