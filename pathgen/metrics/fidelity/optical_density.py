"""Optical density: the scale on which stains add up."""

import numpy as np
from numpy.typing import NDArray

# One look-up entry per grey level; 1 is added so that black stays finite.
_DENSITY = -np.log((np.arange(256) + 1.0) / 256.0)


def optical_density(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Turn transmitted light into optical density.

    Args:
        images: RGB, any shape.

    Returns:
        -ln((value + 1) / 256), same shape: 0 for white, 5.5 for black.

    Source:
        Beer-Lambert law; natural logarithm as in Macenko et al. 2009 but for the base.
    """
    density: NDArray[np.float64] = _DENSITY[images]
    return density
