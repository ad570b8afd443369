"""Measure the error rates of the privacy audit on many honest studies of the default size.

Each study draws members, non-members, reference patches and, as the synthetic set, unseen patches of the same
slides. Its verdict and the negative controls must find nothing; the positive controls must be detected. The
patch sets must be large enough: with ``sample.per_class.nonmember: 1900`` the default study has 3,300 patches
per class, of which 2,800 are drawn. A study takes about 15 CPU seconds per class.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.harness import Result, report
from benchmarks.patches import Images
from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.patches.store import open_patch_set
from pathgen.privacy.audit import class_audit
from pathgen.privacy.kernel_density import fit_projection
from pathgen.privacy.nearest_pairs import CandidatePool, ClassPairs
from pathgen.privacy.settings import PrivacySettings
from pathgen.results.audit_record import ClassAudit

N_TRAIN = 1000


def honest_audit(patches: Images, label: str, settings: PrivacySettings) -> ClassAudit:
    """Audit one class of a study whose generator returns unseen originals."""
    n = settings.max_originals
    order = np.random.default_rng(settings.seed).permutation(len(patches))
    ends = np.cumsum([N_TRAIN, n, n, settings.max_synthetic])
    if ends[-1] > len(patches):
        raise SystemExit(f"{len(patches)} patches of class {label}, {ends[-1]} are needed")
    train, nonmembers, reference, synthetic = np.split(patches[order[: ends[-1]]], ends[:-1])
    pool = CandidatePool(train[:n], nonmembers, fit_projection(reference), settings)
    pairs = ClassPairs(label, pool, train, synthetic, reference)
    return class_audit(pairs, settings.significance / len(LABELS))


def main(folder: Path = layout.PATCHES, seeds: int = 20, first_seed: int = 0) -> None:
    settings = load_section("privacy", PrivacySettings)
    sets = [open_patch_set(folder / role) for role in ("train", "nonmember", "reference")]
    counts: Counter[str] = Counter()
    for label in LABELS:
        patches = np.concatenate([each.of_label(label).images for each in sets])
        for seed in range(first_seed, first_seed + seeds):
            audit = honest_audit(patches, label, settings.model_copy(update={"seed": seed}))
            counts[f"verdict: {audit.verdict}"] += 1
            for control in audit.controls:
                counts[f"{control.kind} control as expected: {control.name}"] += control.as_expected
            print(f"{label} {seed}: {audit.verdict}", file=sys.stderr)
    unit = f"of {len(LABELS) * seeds}"
    report([Result(name, number, unit) for name, number in sorted(counts.items())], {})
