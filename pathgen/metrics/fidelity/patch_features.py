"""What the measures need to know of each patch, computed once; the measures then compare rows of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.fidelity.colour import colour_histograms
from pathgen.metrics.fidelity.sliced_wasserstein import (
    draw_directions,
    project_neighbourhoods,
    scale_deviations,
)
from pathgen.metrics.fidelity.spectrum import radial_power
from pathgen.metrics.fidelity.texture_features import EXTRACTORS

Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches of shape (N, S, S, 3) by label."""

_CHUNK = 1024
_UNIT_PATCHES = 1000
_SPECTRUM_RINGS = 8


@dataclass(frozen=True)
class Description:
    """A set of patches as the measures see it; every array has one row per patch.

    Attributes:
        features: Of a feature protocol, float64 (N, D).
        spectra: Log power per ring, float64 (N, rings).
        colours: Grey-level shares per channel, float64 (N, 3, 256).
        projected: Projected neighbourhoods, float32 (N, scales, 8, P).
    """

    features: NDArray[np.float64]
    spectra: NDArray[np.float64]
    colours: NDArray[np.float64]
    projected: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, rows: NDArray[np.int64]) -> "Description":
        """Return the description of the patches at these rows."""
        return Description(self.features[rows], self.spectra[rows], self.colours[rows], self.projected[rows])


def joined(parts: list[Description]) -> Description:
    """Return the description of several sets one after the other."""
    return Description(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.spectra for part in parts]),
        np.concatenate([part.colours for part in parts]),
        np.concatenate([part.projected for part in parts]),
    )


def describe(
    populations: Mapping[str, Images], *, extractor: str, n_projections: int, seed: int
) -> dict[str, dict[str, Description]]:
    """Describe every patch of every set.

    Args:
        populations: Patches by role (``train`` among them) and label.
        extractor: Name of a feature protocol.
        n_projections: Directions of the sliced Wasserstein distance.
        seed: Seed of the directions and of the places of the neighbourhoods.

    Returns:
        The descriptions by label and role.
    """
    directions = draw_directions(n_projections, numpy_generator(seed, "fidelity", "directions"))
    # One unit for all classes, from about a thousand patches of each, so that the classes compare.
    thinned = [images[:: max(1, len(images) // _UNIT_PATCHES)] for images in populations["train"].values()]
    deviations = scale_deviations(np.concatenate(thinned))
    described: dict[str, dict[str, Description]] = {label: {} for label in populations["train"]}
    for role, by_label in populations.items():
        for label, images in by_label.items():
            rng = numpy_generator(seed, "fidelity", "places", role, label)
            parts = []
            for start in range(0, len(images), _CHUNK):
                chunk = images[start : start + _CHUNK]
                parts.append(
                    Description(
                        EXTRACTORS[extractor](chunk),
                        radial_power(chunk, _SPECTRUM_RINGS),
                        colour_histograms(chunk),
                        project_neighbourhoods(chunk, directions, deviations, rng),
                    )
                )
            described[label][role] = joined(parts)
    return described
