"""Whose presence a guarantee hides: each patch by itself, or the patches of each patient together."""

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan.generators.dpdcgan.hyperparams import Unit

_log = logging.getLogger(__name__)

# Patients below which no guarantee leaves much to learn: the noise is that of one among so few.
FEW = 100


def units_of(index: pd.DataFrame, unit: Unit, slides_known: bool, what: str) -> NDArray[np.int64] | None:
    """Return whose each original is.

    Args:
        index: A row per original, with ``patient`` and ``slide``.
        unit: Of the guarantee.
        slides_known: Whether the source tells slides apart.
        what: Name of the training, for messages.

    Returns:
        (N,) numbers of the patients, from 0; of slides where a patient is not known. None: each patch is one.

    Raises:
        PathgenError: Neither patients nor slides are known, or there is only one.
    """
    if unit == "patch":
        return None
    patients, slides = index["patient"], index["slide"]
    if patients.isna().any() and not slides_known:
        raise PathgenError(
            "train_gan.dpdcgan.unit",
            "is patient, but the source tells neither patients nor slides apart",
            "Set it to patch, or take a source that names slides",
        )
    # Of two columns: a slide may be called as a patient is.
    names = np.where(patients.isna(), "slide " + slides, "patient " + patients.fillna(""))
    found, numbers = np.unique(names.astype(str), return_inverse=True)
    if len(found) == 1:
        raise PathgenError(
            "train_gan.dpdcgan.unit",
            f"is patient, and all patches of {what} are of one: none is left to hide among",
            "Set it to patch, or take a larger cohort",
        )
    if patients.isna().any():
        _log.warning("%s: no patient is known of some slides, each of them counts as a patient", what)
    if len(found) < FEW:
        _log.warning(
            "%s: hides one patient among %d: with fewer than %d the noise leaves little to learn",
            what,
            len(found),
            FEW,
        )
    return np.asarray(numbers, dtype=np.int64)
