"""Features of patches that the fidelity metrics compare, computed once per patch."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.features import EXTRACTORS
from pathgen.metrics.fidelity.colour import colour_histograms
from pathgen.metrics.fidelity.metric import PatchFeatures
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.metrics.fidelity.sliced_wasserstein import (
    draw_directions,
    project_neighbourhoods,
    scale_deviations,
)
from pathgen.metrics.patch_checks import Images
from pathgen.metrics.power_spectrum import radial_power

_CHUNK = 1024
_UNIT_PATCHES = 1000
_SPECTRUM_RINGS = 8


def concatenate(parts: Sequence[PatchFeatures]) -> PatchFeatures:
    """Return the features of several sets as one set."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def extract_features(
    populations: Mapping[str, Images], needs: Collection[str], settings: FidelitySettings
) -> dict[str, dict[str, PatchFeatures]]:
    """Compute the features of all patches.

    Args:
        populations: Patches by role (including ``train``) and label.
        needs: Names of the arrays to compute: ``images``, the pixels, uint8 (N, S, S, 3); ``features``,
            the vectors of the extractor, float64 (N, D); ``spectra``, log power per ring, float64 (N, 8);
            ``colours``, histograms, float64 (N, 3, 256); ``projections``, float32 (N, scales, 8, P).
        settings: Settings of the section ``fidelity``.

    Returns:
        Features by label and role.
    """
    directions = draw_directions(
        settings.n_projections, numpy_generator(settings.seed, "fidelity", "directions")
    )
    # The same unit for all classes, from about 1,000 patches of each, so that classes are comparable.
    thinned = [images[:: max(1, len(images) // _UNIT_PATCHES)] for images in populations["train"].values()]
    deviations = scale_deviations(np.concatenate(thinned))
    found: dict[str, dict[str, PatchFeatures]] = {label: {} for label in populations["train"]}
    for role, by_label in populations.items():
        for label, images in by_label.items():
            rng = numpy_generator(settings.seed, "fidelity", "places", role, label)
            functions: dict[str, Callable[[NDArray[np.uint8]], NDArray[Any]]] = {
                "images": np.asarray,
                "features": EXTRACTORS[settings.extractor],
                "spectra": partial(radial_power, n_rings=_SPECTRUM_RINGS),
                "colours": colour_histograms,
                "projections": partial(
                    project_neighbourhoods, directions=directions, deviations=deviations, rng=rng
                ),
            }
            chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
            found[label][role] = concatenate(
                [{name: functions[name](chunk) for name in needs} for chunk in chunks]
            )
    return found
