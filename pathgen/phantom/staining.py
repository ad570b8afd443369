"""Convert amounts of dye to colour: absorption by two stains."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.phantom.noise import F32

# Optical density per unit of dye in red, green and blue. The model (Beer-Lambert, one vector per dye) is that
# of Ruifrok & Johnston, "Quantification of histochemical staining by color deconvolution", 2001; theirs
# are (0.65, 0.70, 0.29) and (0.07, 0.99, 0.11). Scanned lymph nodes are redder: the method of Macenko et al.
# (ISBI 2009) finds about (0.50, 0.76, 0.42) and (0.29, 0.79, 0.54) in Camelyon16. These lie between the two.
HAEMATOXYLIN = np.array([0.56, 0.74, 0.37])
EOSIN = np.array([0.24, 0.84, 0.48])
_GLASS_RGB = np.array([244.0, 243.0, 245.0])
_STRIP_ROWS = 256


@dataclass(frozen=True)
class Stain:
    """Staining and scanning of one slide.

    Attributes:
        vectors: float64 (2, 3), optical density of haematoxylin and eosin per channel and unit of dye.
        light: float64 (3,), colour of empty glass, 0..255.
        noise: Standard deviation of the camera's noise, grey levels.
    """

    vectors: NDArray[np.float64]
    light: NDArray[np.float64]
    noise: float


def draw_stain(rng: np.random.Generator, spread: float) -> Stain:
    """Draw one slide's stain.

    Args:
        rng: Source of randomness.
        spread: Standard deviation of the logarithm of each dye's strength; hue varies a quarter as much.

    Returns:
        The stain.
    """
    strength = np.exp(rng.normal(0.0, spread, (2, 1)))
    hue = np.exp(rng.normal(0.0, spread / 4, (2, 3)))
    light = _GLASS_RGB + rng.normal(0.0, 1.0, 3)
    return Stain(np.stack([HAEMATOXYLIN, EOSIN]) * strength * hue, np.minimum(light, 255.0), 2.0)


def render(haematoxylin: F32, eosin: F32, stain: Stain, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Render amounts of dye as a scanned image.

    Args:
        haematoxylin: float32 (H, W), amount of dye per pixel, 0 is none, 1 is a dark nucleus.
        eosin: float32 (H, W), same for eosin.
        stain: Stain of the slide.
        rng: Source of the camera's noise.

    Returns:
        uint8 (H, W, 3) RGB: ``light * 10 ** -(haematoxylin * h + eosin * e)`` plus noise.
    """
    height, width = haematoxylin.shape
    picture = np.empty((height, width, 3), np.uint8)
    vectors = (stain.vectors * -np.log(10.0)).astype(np.float32)
    for top in range(0, height, _STRIP_ROWS):
        rows = slice(top, min(top + _STRIP_ROWS, height))
        h, e = haematoxylin[rows], eosin[rows]
        noise = rng.standard_normal((3, *h.shape), dtype=np.float32) * np.float32(stain.noise)
        for channel in range(3):
            light = np.exp(h * vectors[0, channel] + e * vectors[1, channel]) * np.float32(
                stain.light[channel]
            )
            picture[rows, :, channel] = np.clip(light + noise[channel] + 0.5, 0, 255).astype(np.uint8)
    return picture
