"""docs/metrics.md lists what stages record and write."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from pathgen.classifier.classifier_loop import HISTORY_COLUMNS, METRICS
from pathgen.gan.adversarial_trainer import AdversarialTrainer
from pathgen.gan.generators.dpdcgan.accounting import EPSILON
from pathgen.gan.generators.dpdcgan.dp_trainer import DpTrainer
from pathgen.gan.generators.stylegan2.stylegan2_trainer import StyleGan2Trainer
from pathgen.gan.online_frechet import FRECHET_KEYS
from pathgen.gan.overfitting import PROBE_KEYS
from pathgen.metrics.classification import classification_metrics, per_slide, roc_points
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.metrics.statistics.bootstrap_metrics import AT_OPERATING_POINT
from pathgen.privacy.attack_family import QUESTIONS
from pathgen.privacy.audit import audit
from pathgen.privacy.settings import PrivacySettings
from pathgen.results.evaluation_record import Confusion
from pathgen.studies.tuning.search import VALUE_KEY
from pathgen.survey.survey import SurveyCounts

ROOT = Path(__file__).resolve().parents[2]
METRICS_PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ENDINGS = {
    "fidelity": ("/low", "/high", "/floor", "/floor_low", "/floor_high"),
    "privacy": ("/low", "/high", "/expected", "/p_value", "/p_adjusted"),
}
_LABELS = np.array([0, 1, 0, 1])
_SCORES = np.array([0.1, 0.9, 0.6, 0.4])


def keys_in(page: str) -> set[str]:
    """Return the keys in the first column of the page's tables; {a,b} stands for two of them."""
    keys = set()
    for key in re.findall(r"^\| `([a-z_]+/[^`]+)` \|", page, re.M):
        names = re.search(r"\{([^}]*,[^}]*)\}", key)
        keys |= {key.replace(names[0], name) for name in names[1].split(",")} if names else {key}
    return keys


def named_in_stages() -> Iterator[str]:
    """Yield the literal keys of every ``….metrics({…})`` in the stages and studies."""
    for script in (*(ROOT / "stages").glob("*.py"), *(ROOT / "pathgen" / "studies").rglob("*.py")):
        for call in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "metrics":
                for values in (argument for argument in call.args if isinstance(argument, ast.Dict)):
                    yield from (key.value for key in values.keys if isinstance(key, ast.Constant))


def without_label(key: str) -> str:
    return re.sub(r"^(fidelity|privacy)/(normal|tumor|all)/", r"\1/{label}/", key)


def patches(count: int, side: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (count, side, side, 3)
    return {label: rng.integers(0, 256, shape, dtype=np.uint8) for label in ("normal", "tumor")}


_COMPARED = ("accuracy", "p_value", "p_adjusted", "minimum_difference")


@pytest.fixture(scope="module")
def fidelity_keys() -> set[str]:
    sets = (patches(32, 16, seed) for seed in range(3))
    settings = FidelitySettings(
        extractor="texture-v1",
        seed=0,
        max_patches=32,
        n_subsets=2,
        confidence=0.95,
        neighbours_k=3,
        n_projections=8,
    )
    report = measure_fidelity(*sets, settings)
    return {without_label(key) for key in report.metrics}


@pytest.fixture(scope="module")
def privacy_keys() -> set[str]:
    members, nonmembers, reference, synthetic = (patches(40, 16, seed) for seed in range(4))
    settings = PrivacySettings(
        seed=0,
        confidence=0.95,
        significance=0.05,
        max_originals=40,
        max_synthetic=40,
        symmetries="identity",
        max_shift_px=0,
        shift_shortlist=1,
        shadow_steps=1,
        copy_share=0.1,
        n_permutations=1199,
        gallery_pairs=1,
        exposed_patches=1,
    )
    discriminators = {label: lambda images: images.mean((1, 2, 3)) for label in members}
    report = audit(members, nonmembers, reference, synthetic, settings, discriminators=discriminators)
    return {without_label(key) for key in report.record.metrics}


def measures(keys: set[str], group: str) -> set[str]:
    """Return the keys without what follows the name of the measure."""
    return {key for key in keys if not key.endswith(ENDINGS[group])}


def test_metrics_page_lists_exactly_the_recorded_keys(
    fidelity_keys: set[str], privacy_keys: set[str]
) -> None:
    recorded = {
        *AdversarialTrainer.statistics,
        *StyleGan2Trainer.statistics,
        *DpTrainer.statistics,
        EPSILON,
        *PROBE_KEYS,
        *FRECHET_KEYS,
        *METRICS,
        *(f"test/{name}" for name in classification_metrics(_LABELS, _SCORES, 0.5)),
        *(f"test/{name}" for name in (*AT_OPERATING_POINT, "calibration_error")),
        *(f"trts/{name}" for name in ("n", "accuracy", "recall", "specificity", "roc_auc")),
        *(f"{group}/{{metric}}/{end}" for group in ("test", "trts") for end in ("low", "high")),
        *(f"compare/{{pair}}/{name}" for name in _COMPARED),
        *named_in_stages(),
        *(f"survey/{count.name}" for count in fields(SurveyCounts)),
        *measures(fidelity_keys, "fidelity"),
        *measures(privacy_keys, "privacy"),
        # Absent above, which has no close patch.
        *(f"privacy/{{label}}/{name}" for name in QUESTIONS),
        # Absent above, which has no slides.
        "privacy/{label}/slide_auc",
        # Composed from columns: stages/sample.py and stages/summary.py.
        "sample/{role}/{label}",
        "accuracy/{regime}-{classifier}",
        # Composed from the headline: stages/verdict.py.
        *(f"verdict/accuracy/{name}" for name in ("mean_colour", "original", "mixed", "synthetic")),
        *(f"verdict/difference/{name}" for name in ("synthetic", "mixed", "{regime}/low")),
        *(f"verdict/{name}" for name in ("attack_auc", "not_converged")),
        # Composed from points: pathgen/report/privacy_utility.py.
        "tradeoff/{regime}-{classifier}/accuracy_lost",
        "tradeoff/{generator}/attack_auc",
        "tradeoff/{generator}/epsilon",
        *(f"scaling/{name}/{{source}}/{{classifier}}" for name in ("a", "b", "c", "equals_original")),
        # Of trials: one for each number of each seed.
        VALUE_KEY,
        "tune/seed-{seed}/{key}",
    }
    assert keys_in(METRICS_PAGE) == recorded


@pytest.mark.parametrize("group", ENDINGS)
def test_metrics_page_explains_every_ending(
    group: str, fidelity_keys: set[str], privacy_keys: set[str]
) -> None:
    keys = fidelity_keys if group == "fidelity" else privacy_keys
    known = measures(keys, group)
    endings = {f"/{key.split('/', 3)[3]}" for key in keys if key.count("/") == 3}
    assert endings == set(ENDINGS[group]) and len(known) > 8
    section = METRICS_PAGE.split(f"\n## {group.capitalize()}\n")[1].split("\n## ")[0]
    assert [ending for ending in endings if f"`{ending}`" not in section] == []


def test_scan_of_scripts_finds_literal_keys() -> None:
    assert {"cohort/slides", "cohort/skipped", "index/candidates", "test/mean_colour_accuracy"} <= set(
        named_in_stages()
    )


def test_metrics_page_lists_columns_of_files() -> None:
    frame_columns = [
        *HISTORY_COLUMNS,
        *Confusion.model_fields,
        *roc_points(_LABELS, _SCORES).columns,
        *per_slide(_predictions(), 0.95).columns.drop("slide"),
        "kimg",
    ]
    assert [name for name in frame_columns if f"`{name}`" not in METRICS_PAGE] == []


def _predictions():  # type: ignore[no-untyped-def]
    import pandas as pd

    words = np.array(["normal", "tumor"])[_LABELS]
    return pd.DataFrame({"slide": "one", "label": words, "predicted": words})
