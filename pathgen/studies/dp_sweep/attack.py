"""The strongest of the audit's membership attacks on a synthetic set, and what chance alone would give."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.privacy.attack_family import FAMILY
from pathgen.privacy.attack_features import attack_features
from pathgen.privacy.nearest_pairs import find_pairs
from pathgen.privacy.rate_intervals import auc_with_interval
from pathgen.privacy.settings import PrivacySettings

Images = Mapping[str, NDArray[np.uint8]]
_LABELLINGS = 500
_TAIL = 0.975


def strongest_attack(
    members: Images,
    nonmembers: Images,
    reference: Images,
    synthetic: Images,
    *,
    discriminators: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.float64]]],
    max_originals: int,
    max_synthetic: int,
    symmetries: str,
    max_shift_px: int,
    shift_shortlist: int,
    seed: int,
    device: str,
) -> dict[str, float | str]:
    """Attack both classes with all that look at the synthetic set only, and keep the best.

    The largest of several areas is above 0.5 where nothing leaks, too: the same pools, labelled at random,
    tell by how much.

    Args:
        members: Patches the generators learnt from, uint8 (N, S, S, 3) by label.
        nonmembers: Patches of the same slides that they did not see.
        reference: More such patches.
        synthetic: The synthetic patches.
        discriminators: The generators' discriminators; see `pathgen.privacy.audit.audit`.
        max_originals: See `pathgen.privacy.audit.audit`, as for the rest.
        max_synthetic: See there.
        symmetries: See there.
        max_shift_px: See there.
        shift_shortlist: See there.
        seed: Of the draws of patches and of the random labellings.
        device: Torch device of the comparison.

    Returns:
        attack_auc (largest area under the ROC curve), attack (its name and class), attack_by_chance (mean of
        the largest under random labels), attack_by_chance_high (its 97.5 % quantile), and discriminator_auc
        (largest area of the discriminators' own answers, which are never given out).
    """
    areas: dict[str, float] = {}
    by_chance: list[NDArray[np.float64]] = []
    own = []
    construct: Any = PrivacySettings.model_construct  # the other settings have no effect on pairs
    for label, images in synthetic.items():
        pools = {"train": members[label], "nonmember": nonmembers[label], "reference": reference[label]}
        count = min(max_originals, *map(len, pools.values()))
        pools = {role: _drawn(pool, count, seed, role, label) for role, pool in pools.items()}
        pairs = find_pairs(
            pools["train"],
            pools["nonmember"],
            pools["reference"],
            _drawn(images, min(max_synthetic, len(images)), seed, "synthetic", label),
            members[label],
            construct(
                seed=seed, symmetries=symmetries, max_shift_px=max_shift_px, shift_shortlist=shift_shortlist
            ),
            label,
            device,
        )
        evidence = attack_features(pairs.profile, pairs.reference_profile, pairs.pool)
        rng = numpy_generator(seed, "dp sweep", "labellings", label)
        labellings = [rng.permutation(evidence.is_member) for _ in range(_LABELLINGS)]
        for attack in (attack for attack in FAMILY if attack.kind == "score"):
            scores = attack.score(evidence)
            areas[f"{attack.name} {label}"] = area(scores, evidence.is_member)
            by_chance.append(np.array([area(scores, at_random) for at_random in labellings]))
        judged = [discriminators[label](pools[role]) for role in ("train", "nonmember")]
        own.append(area(np.concatenate(judged), np.repeat([True, False], count)))
    best = max(areas, key=areas.__getitem__)
    largest = np.max(by_chance, axis=0)  # (_LABELLINGS,)
    return {
        "attack_auc": areas[best],
        "attack": best,
        "attack_by_chance": float(largest.mean()),
        "attack_by_chance_high": float(np.quantile(largest, _TAIL)),
        "discriminator_auc": max(own),
    }


def area(scores: NDArray[np.float64], is_member: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of scores that are higher for members."""
    return auc_with_interval(scores[is_member], scores[~is_member], 0.95)[0]


def _drawn(images: NDArray[np.uint8], count: int, seed: int, *purpose: str) -> NDArray[np.uint8]:
    rows = numpy_generator(seed, "dp sweep", *purpose).permutation(len(images))[:count]
    return np.asarray(images[np.sort(rows)])
