"""Poisson sampling of the originals: in each step each privacy unit is sampled independently.

A privacy unit is one patch, or all patches of one patient.

The accountant's guarantee is that of Poisson sampling, not that of fixed-size batches from a shuffled order.
"""

import logging

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings, Unit, private_seed
from pathgen.gan.shuffled_loader import augmented_batch, resident_images

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


class PoissonLoader:
    """Batches of Poisson-sampled units, readable at any step without the steps before."""

    def __init__(self, data: GanDataset, settings: DpDcganSettings, device: torch.device) -> None:
        """Copy the patches to the device.

        Args:
            data: Patches of the training.
            settings: The recipe.
            device: Device of the training.

        Raises:
            PathgenError: See `privacy_unit_ids` and `private_seed`.
        """
        ids = privacy_unit_ids(data, settings.unit)
        warn_about_patients(data, settings.unit)
        sizes = np.bincount(ids)
        by_unit = torch.from_numpy(np.argsort(ids, kind="stable"))
        self._members = torch.split(by_unit, sizes.tolist())
        self._images = resident_images(data, device)
        self._settings = settings
        self._sample_rate = settings.sample_rate(len(sizes))
        self._seed = private_seed(settings)

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step.

        Args:
            step: Number of the step, from 0.

        Returns:
            float32 (U, patches_per_unit, 3, H, W) in [-1, 1]; U differs between steps, and may be 0.
        """
        rows = self.rows(step)
        images = augmented_batch(self._images, rows.flatten(), self._settings.augment, self._seed, step)
        return images.reshape(*rows.shape, *images.shape[1:])

    def rows(self, step: int) -> torch.Tensor:
        """Return the indices of the images of one step, int64 (U, patches_per_unit) on the CPU.

        Patches of a unit with fewer than `patches_per_unit` are repeated.
        """
        generator = torch_generator(self._seed, "draw", step)
        coins = torch.rand(len(self._members), generator=generator, dtype=torch.float64)
        wanted = self._settings.patches_per_unit
        rows = [
            members[torch.randperm(len(members), generator=generator)].repeat(-(-wanted // len(members)))
            for members in (self._members[unit] for unit in (coins < self._sample_rate).nonzero())
        ]
        return torch.cat([own[:wanted] for own in rows] or [torch.empty(0, dtype=torch.int64)]).view(
            -1, wanted
        )
