"""Privacy unit of a guarantee: each patch, or all patches of each patient."""

import logging

import numpy as np
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.dpdcgan.settings import Unit

_log = logging.getLogger(__name__)

# With fewer patients the noise leaves little to learn.
FEW_PATIENTS = 100


def privacy_unit_ids(data: GanDataset, unit: Unit) -> NDArray[np.int64]:
    """Return the privacy unit of each training patch.

    Args:
        data: Patches of the training.
        unit: Privacy unit of the guarantee.

    Returns:
        Number of the unit of each patch, from 0, int64 (N,). A slide counts as a patient if its patient is
        unknown.

    Raises:
        PathgenError: Neither patients nor slides are known, or there is only one.
    """
    if unit == "patch":
        return np.arange(len(data.images))
    if data.index is None or (data.index["patient"].isna().any() and not data.slides_known):
        raise PathgenError(
            "unit of the recipe",
            "is patient, but the source names neither patients nor slides",
            "Set it to patch, or use a source that names slides",
        )
    patients, slides = data.index["patient"], data.index["slide"]
    # Prefixed: a slide may have the name of a patient.
    names = np.where(patients.isna(), "slide " + slides, "patient " + patients.fillna(""))
    found, numbers = np.unique(names.astype(str), return_inverse=True)
    if len(found) == 1:
        raise PathgenError(
            "unit of the recipe",
            "is patient, but all training patches of one class are from one patient",
            "Set it to patch, or use a larger cohort",
        )
    return np.asarray(numbers, dtype=np.int64)


def count_units(data: GanDataset, unit: Unit) -> int:
    """Return the number of privacy units in the training set (see `privacy_unit_ids`)."""
    return int(privacy_unit_ids(data, unit).max()) + 1


def warn_about_patients(data: GanDataset, unit: Unit) -> None:
    """Warn of slides without a patient and of too few patients (see `privacy_unit_ids`)."""
    if unit == "patch" or data.index is None:
        return
    if data.index["patient"].isna().any():
        _log.warning("some slides have no patient: each of them counts as one patient")
    count = count_units(data, unit)
    if count < FEW_PATIENTS:
        _log.warning(
            "the guarantee hides one of %d patients: with fewer than %d the noise leaves little to learn",
            count,
            FEW_PATIENTS,
        )
