"""Label the candidates and draw the roles: without replacement, every slide with the same weight."""

import logging
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.labels import LABELS
from pathgen.core.seeding import derive_seed
from pathgen.patches.schemas import SAMPLES, SPLITS, Schema, check_table
from pathgen.patches.settings import LabelSettings, SampleSettings
from pathgen.patches.splits import assign_splits

_log = logging.getLogger(__name__)

# Roles that share one split's slides are drawn together and separated by chance.
ROLES_OF_SPLIT = {
    "train": ("train", "nonmember", "reference", "fresh"),
    "valid": ("valid",),
    "test": ("test",),
}


def label_candidates(candidates: pd.DataFrame, settings: LabelSettings) -> pd.DataFrame:
    """Give every candidate its label, and drop those that are neither.

    A label given by the source stays. Otherwise a patch is tumor when enough of it is lesion (rule
    ``area``) or when it touches the lesion mask (rule ``paper``); it is normal only when it is not, and
    its slide's lesions are all annotated, and hardly any of it is excluded. Tissue that nobody looked at
    is never normal.

    Args:
        candidates: The table `pathgen.patches.schemas.CANDIDATES`.
        settings: Label rule.

    Returns:
        The labelled candidates in the same order, with a fresh row index; `label` is categorical.

    Raises:
        PathgenError: A candidate has neither a label nor what the rule needs.

    Source:
        Rule paper: the study's published code (one pixel of the level-6 mask labels the patch tumor).
    """
    given = candidates["label"].notna()
    basis = "tumor_fraction" if settings.rule == "area" else "touches_tumor"
    lost = candidates[basis].isna() & ~given
    if bool(lost.any()):
        slide = candidates.loc[lost, "slide"].iloc[0]
        raise PathgenError(
            f"slide {slide}", f"candidates have neither a label nor a {basis}", "Run: dvc repro --force index"
        )
    if settings.rule == "area":
        tumor = candidates["tumor_fraction"] >= settings.min_tumor_fraction
        free = candidates["tumor_fraction"] <= settings.max_normal_fraction
    else:
        tumor = candidates["touches_tumor"].fillna(False).astype(bool)
        free = ~tumor
    # An unknown exclusion (NaN) compares as False: not known to be normal.
    unexcluded = candidates["exclusion_fraction"] <= settings.max_exclusion_fraction
    normal = free & candidates["exhaustive"] & unexcluded
    # Small numbers in place of eleven million texts.
    decided = np.where(tumor, 1, np.where(normal, 0, -1)).astype(np.int8)
    label = np.where(given, pd.Categorical(candidates["label"], categories=LABELS).codes, decided)
    kept = label >= 0
    labelled = candidates[kept].reset_index(drop=True)
    return labelled.assign(label=pd.Categorical.from_codes(label[kept], categories=pd.Index(LABELS)))


def _uniform(seed: int, purpose: str, slides: Any, items: Any) -> NDArray[np.float64]:
    """Return for each (slide, item) a number in (0, 1) that depends on nothing else but seed and purpose.

    Source: Steele, Lea & Flood 2014, SplitMix64: one stream per slide, read at position `item`.
    """
    codes, names = pd.factorize(slides)
    starts = np.array([derive_seed(seed, purpose, str(name)) for name in names], dtype=np.uint64)
    step = np.uint64(0x9E3779B97F4A7C15)
    state = starts[codes] + (np.asarray(items, dtype=np.int64).astype(np.uint64) + np.uint64(1)) * step
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    numbers: NDArray[np.float64] = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def _weighted_draw(pool: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Draw `count` rows without replacement, each weighted by 1 / (rows on its slide).

    Source: Efraimidis & Spirakis 2006: the smallest of E_i / w_i, E_i ~ Exp(1), is a draw with
    probabilities proportional to w_i; the next smallest is the next draw from the rest.
    """
    slide, _ = pd.factorize(pool["slide"])
    weight = 1.0 / np.bincount(slide)[slide]
    keys = -np.log(_uniform(seed, "draw", pool["slide"], pool["item"])) / weight
    return pool.iloc[np.argsort(keys, kind="stable")[:count]]


def _asked_roles(per_class: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Return the roles of each split that get patches."""
    return {
        split: tuple(role for role in roles if per_class.get(role, 0) > 0)
        for split, roles in ROLES_OF_SPLIT.items()
    }


def _counts(
    pools: Mapping[tuple[str, str], pd.DataFrame], per_class: Mapping[str, int], on_shortage: str
) -> dict[str, int]:
    """Return how many patches per class each role gets, or say every shortage."""
    counts, problems = dict(per_class), []
    for split, roles in _asked_roles(per_class).items():
        wanted = sum(per_class[role] for role in roles)
        for label in LABELS:
            there = len(pools[split, label])
            if there >= wanted:
                continue
            asked = " + ".join(f"{role} {per_class[role]}" for role in roles)
            reason = f"{wanted} {label} patches wanted ({asked}), {there} available on the {split} slides"
            hint = "Lower sample.per_class, add slides, or set sample.on_shortage: shrink"
            problems.append(PathgenError(f"sample: {split} {label}", reason, hint))
        there = min(len(pools[split, label]) for label in LABELS)
        if there < wanted:
            counts.update({role: per_class[role] * there // wanted for role in roles})
    if problems and on_shortage == "stop":
        raise PathgenErrors(problems)
    if empty := [role for role, count in counts.items() if count == 0 < per_class[role]]:
        hint = "Add slides, or raise sample.per_class of the small roles"
        raise PathgenErrors(
            [*problems, PathgenError(f"sample: {', '.join(empty)}", "no patch is left", hint)]
        )
    for problem in problems:
        _log.warning("%s: %s; shrunk", problem.subject, problem.reason)
    return counts


def draw_samples(
    candidates: pd.DataFrame,
    per_class: Mapping[str, int],
    seed: int,
    on_shortage: Literal["stop", "shrink"],
) -> pd.DataFrame:
    """Draw the disjoint roles.

    Train, nonmember, reference and fresh are one draw from the train slides, separated by chance, so that
    members and non-members follow the same distribution: a difference that an attack finds between them
    comes from the training and not from the sampling.

    Args:
        candidates: Labelled candidates whose split is known, columns of `CANDIDATES`; those that the draw
            does not look at may be absent.
        per_class: Role to patches per class; a role that is absent gets none.
        seed: Of the draw. It depends on seed, slide and item only, not on the order of the rows.
        on_shortage: ``"stop"``: raise; ``"shrink"``: all roles of the short split shrink by the same
            factor, both classes to the same count.

    Returns:
        The table `pathgen.patches.schemas.SAMPLES`, sorted by role, label, slide and item; without the
        columns that the candidates do not have.

    Raises:
        PathgenErrors: Too few patches; one error per split and class, with the counts.

    Source:
        The study: without replacement, each patch weighted by 1 / (patches of its class on its slide).
    """
    candidates = candidates.reset_index(drop=True)
    # Of eleven million candidates only what the draw looks at is copied.
    looked_at = candidates[["slide", "item"]]
    pools: dict[tuple[str, str], pd.DataFrame] = {
        (split, label): looked_at[(candidates["split"] == split) & (candidates["label"] == label)]
        for split in ROLES_OF_SPLIT
        for label in LABELS
    }
    counts = _counts(pools, per_class, on_shortage)
    parts, asked = [], _asked_roles(per_class)
    for (split, _), pool in pools.items():
        roles = asked[split]
        drawn = _weighted_draw(pool, sum(counts[role] for role in roles), seed)
        chance = np.argsort(_uniform(seed, "role", drawn["slide"], drawn["item"]), kind="stable")
        named = np.repeat(np.array(roles, dtype=object), [counts[role] for role in roles])
        parts.append(candidates.loc[drawn.index[chance]].assign(role=named))
    samples = pd.concat(parts).astype(dict.fromkeys(("slide", "label", "split"), object))
    samples = samples.sort_values(["role", "label", "slide", "item"], kind="stable")
    known = Schema(tuple(one for one in SAMPLES.columns if one.name in samples.columns), SAMPLES.key)
    return check_table(samples, known, "samples")


def sample_cohort(cohort: pd.DataFrame, candidates: pd.DataFrame, settings: SampleSettings) -> pd.DataFrame:
    """Label the candidates, split the slides, and draw the roles.

    Args:
        cohort: Table `COHORT`.
        candidates: Table `CANDIDATES` of its slides, or those of its columns that
            `pathgen.patches.candidates_io.read_to_draw` reads.
        settings: Section `sample`; the split and the draw use its seed independently of each other.

    Returns:
        Table `pathgen.patches.schemas.SAMPLES`, without the columns that the candidates do not have.

    Raises:
        PathgenError: Labels or splits cannot be given, or there are too few patches.
    """
    labelled = label_candidates(candidates, settings.label)
    split = assign_splits(
        cohort, labelled, settings.valid_tumor_share, settings.test_tumor_share, settings.seed
    )
    of_row = pd.Categorical(labelled["slide"].map(split), categories=SPLITS)
    per_class = settings.per_class.model_dump()
    return draw_samples(labelled.assign(split=of_row), per_class, settings.seed, settings.on_shortage)
