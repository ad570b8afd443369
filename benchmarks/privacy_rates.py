"""How often the privacy audit errs: many honest studies of the default size, drawn from the patches of one.

Each draws members, non-members, reference and, as the synthetic set, fresh patches of the same slides. Its
own verdict and the negative controls must stay quiet, the positive ones must fire. The patch sets must
hold enough: with ``sample.per_class.nonmember: 1900`` the default study has 3,300 per class, of which 2,800
are drawn. About 15 seconds of a processor for each seed and class.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Result, show
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.patches.store import open_patch_set
from pathgen.privacy.class_audit import LabelAudit, audit, compare, known_sets
from pathgen.privacy.settings import PrivacySettings

ROLES = ("train", "nonmember", "reference")
LEARNT_FROM = 1000


def honest_audit(patches: np.ndarray, label: str, settings: PrivacySettings, seed: int) -> LabelAudit:
    """Audit one class of a study whose generator makes fresh originals."""
    n = settings.max_originals
    order = np.random.default_rng(seed).permutation(len(patches))
    ends = np.cumsum([LEARNT_FROM, n, n, settings.max_synthetic])
    learnt_from, others, reference, synthetic = np.split(patches[order[: ends[-1]]], ends[:-1])
    comparison = compare(
        learnt_from[:n],
        others,
        reference,
        synthetic,
        learnt_from=learnt_from,
        symmetries=settings.symmetries,
        max_shift_px=settings.max_shift_px,
        shift_shortlist=settings.shift_shortlist,
        seed=seed,
        label=label,
        device="cpu",
    )
    return audit(
        comparison,
        known_sets(comparison, copy_share=settings.copy_share, seed=seed, label=label),
        level=settings.significance / len(LABELS),
        confidence=settings.confidence,
        n_permutations=settings.n_permutations,
        seed=seed,
        label=label,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=Path, default=Path("data/patches"), help="patch sets by role")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to torch")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    settings = load_section("privacy", PrivacySettings)
    sets = [open_patch_set(chosen.patches / role) for role in ROLES]
    counts: Counter[str] = Counter()
    for label in LABELS:
        patches = np.concatenate([one.of_label(label).images for one in sets])
        needed = LEARNT_FROM + 2 * settings.max_originals + settings.max_synthetic
        if len(patches) < needed:
            raise SystemExit(
                f"{chosen.patches}: {len(patches)} patches of class {label}, {needed} are needed"
            )
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            done = honest_audit(patches, label, settings, seed)
            counts[f"verdict: {done.verdict}"] += 1
            for control in done.controls:
                counts[f"{control.kind} control as expected: {control.name}"] += control.as_expected
            print(f"{label} {seed}: {done.verdict}", file=sys.stderr)
    audits = len(LABELS) * chosen.seeds
    results = [Result(name, number, f"of {audits}", 0.0) for name, number in sorted(counts.items())]
    show(results, {}, chosen.json)


if __name__ == "__main__":
    main()
