"""Measure the error rates of the privacy audit on many honest studies of the default size.

Each study draws members, non-members, reference patches and, as the synthetic set, unseen patches of the same
slides. Its verdict and the negative controls must find nothing; the positive controls must be detected. The
patch sets must be large enough: with ``sample.per_class.nonmember: 1900`` the default study has 3,300 patches
per class, of which 2,800 are drawn. A study takes about 15 CPU seconds per class.
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
from pathgen.privacy.class_audit import class_audit
from pathgen.privacy.nearest_pairs import find_pairs
from pathgen.privacy.settings import PrivacySettings
from pathgen.results.audit import ClassAudit

ROLES = ("train", "nonmember", "reference")
N_TRAIN = 1000


def honest_audit(patches: np.ndarray, label: str, settings: PrivacySettings) -> ClassAudit:
    """Audit one class of a study whose generator returns unseen originals."""
    n = settings.max_originals
    order = np.random.default_rng(settings.seed).permutation(len(patches))
    ends = np.cumsum([N_TRAIN, n, n, settings.max_synthetic])
    train, nonmembers, reference, synthetic = np.split(patches[order[: ends[-1]]], ends[:-1])
    pairs = find_pairs(train[:n], nonmembers, reference, synthetic, train, settings, label)
    return class_audit(pairs, settings.significance / len(LABELS))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=Path, default=Path("data/patches"), help="folder of the patch sets")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: default of torch")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    settings = load_section("privacy", PrivacySettings)
    sets = [open_patch_set(chosen.patches / role) for role in ROLES]
    counts: Counter[str] = Counter()
    for label in LABELS:
        patches = np.concatenate([one.of_label(label).images for one in sets])
        needed = N_TRAIN + 2 * settings.max_originals + settings.max_synthetic
        if len(patches) < needed:
            raise SystemExit(
                f"{chosen.patches}: {len(patches)} patches of class {label}, {needed} are needed"
            )
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            done = honest_audit(patches, label, settings.model_copy(update={"seed": seed}))
            counts[f"verdict: {done.verdict}"] += 1
            for control in done.controls:
                counts[f"{control.kind} control as expected: {control.name}"] += control.as_expected
            print(f"{label} {seed}: {done.verdict}", file=sys.stderr)
    audits = len(LABELS) * chosen.seeds
    results = [Result(name, number, f"of {audits}", 0.0) for name, number in sorted(counts.items())]
    show(results, {}, chosen.json)


if __name__ == "__main__":
    main()
