"""A small, complete study with made-up results, in the layout of the pipeline."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from factories.audits import audit, class_audit
from factories.cohort import cohort_row, rows, write_noise
from factories.runs import evaluate_settings
from factories.training import HEALTHY
from pathgen.core.files import write_json
from pathgen.evaluation.compare import compare
from pathgen.evaluation.evaluated_runs import load_runs
from pathgen.metrics.classification import classification_metrics, count_outcomes, per_slide
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.calibration import reliability_curve
from pathgen.patches.parquet import write_csv, write_table
from pathgen.patches.schemas import COHORT, EXTRACTED, INDEXED, SAMPLES
from pathgen.report.hashes import file_hashes, result_versions
from pathgen.report.report_page import build_report
from pathgen.report.settings import ReportSettings
from pathgen.results.audit_record import Audit
from pathgen.run_matrix import PipelineSettings
from pathgen.verdict.build import AuditedSet, build_verdict
from pathgen.webpage.pictures import save_svg
from pathgen.webpage.plotting import empty_plot

SIDE_PX = 16
SEEDS = (1, 2, 3)
PIPELINE = {
    "generators": ["dcgan"],
    "classifiers": ["cnn6"],
    "regimes": ["mixed", "synthetic"],
    "seeds": [*SEEDS],
    "replicates": 1,
    "controls": ["control-noise"],
}
# Shares of patches that a made-up classifier gets right, by regime.
SKILL = {"original": 0.9, "mixed-dcgan": 0.85, "synthetic-dcgan": 0.65, "synthetic-control-noise": 0.4}
FAILED = "synthetic-dcgan-cnn6-3"
TEST_SLIDES = ("made_up_test_001", "made_up_test_002")
ROLES = ("train", "valid", "test", "nonmember")


def _cohort() -> pd.DataFrame:
    slides = [
        *(("made_up_001", "train", "tumor"), ("made_up_002", "train", "normal")),
        *(("made_up_003", "valid", "tumor"), ("made_up_004", "train", "normal")),
        *(("made_up_005", "train", "normal"), *((slide, "test", "tumor") for slide in TEST_SLIDES)),
    ]
    lines = [
        cohort_row(slide, source="phantom", path=f"{split}/{slide}.tif", split=split, label=label)
        for slide, split, label in slides
    ]
    lines[3]["skipped"] = "truncated: <the last> 3 tiles are missing"
    return rows(COHORT, lines)


def _indexed() -> pd.DataFrame:
    """Return the table of the index: one slide was left out there."""
    slides = _cohort().query("skipped.isna()")["slide"]
    counts = {"candidates": 40, "tumor_candidates": 20}
    left_out = {"reason": "no <tissue> was found"}
    return rows(INDEXED, [{"slide": one} | (left_out if one == "made_up_005" else counts) for one in slides])


def _samples() -> pd.DataFrame:
    slides = {"train": "made_up_001", "valid": "made_up_003", "nonmember": "made_up_002"}
    lines = [
        {
            "slide": slides.get(role, TEST_SLIDES[number % 2]),
            "item": number,
            "x_l0": 256 * number,
            "y_l0": 0,
            "size_l0": 256,
            "split": "train" if role == "nonmember" else role,
            "label": "tumor" if number < 20 else "normal",
            "role": role,
            "exhaustive": True,
        }
        for role in ROLES
        for number in range(40)
    ]
    return rows(
        SAMPLES, sorted(lines, key=lambda one: [one[key] for key in ("role", "label", "slide", "item")])
    )


def _health(name: str, seed: int) -> dict[str, object]:
    """Return the health of a training: one did not converge, another was repeated."""
    failed = name == FAILED
    return {
        "converged": not failed,
        "failures": ["training loss at chance level"] if failed else [],
        "training_seed": seed,
        "failed_seeds": [99] if name == "mixed-dcgan-cnn6-2" else [],
    }


def _write_evaluation(folder: Path, test: pd.DataFrame, skill: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = (test["label"] == "tumor").to_numpy()
    right = random.random(len(test)) < skill
    said = np.where(right, truth, ~truth)
    labels, scores = truth.astype(np.int64), np.where(said, 0.5, 0.0) + random.random(len(test)) / 2
    frame = test[["slide", "item", "label"]].reset_index(drop=True)
    frame = frame.assign(score=scores, predicted=np.where(said, "tumor", "normal").astype(object))
    write_table(frame, folder / "predictions.parquet")
    found = classification_metrics(labels, scores, 0.5)
    metrics = {name: found[name] for name in ("accuracy", "precision", "recall", "f1")}
    metrics |= {"roc_auc": skill, "average_precision": None, "calibration_error": 0.1, "n": len(test)}
    facts = {
        "intervals": {},
        "resampled": {"unit": "slide", "count": len(TEST_SLIDES)},
        "thresholds": {"call": 0.5, "operating": 0.7},
        "confusion": count_outcomes(labels, scores, 0.5).model_dump(),
        "undefined": {},
        "health": _health(name=folder.name, seed=seed),
    }
    write_json(folder / "metrics.json", metrics | facts)
    write_csv(per_slide(frame, 0.95), folder / "per_slide.csv")
    rate = np.linspace(0, 1, 20)
    curve = {"false_positive_rate": rate, "true_positive_rate": rate ** (1 - skill), "threshold": 1 - rate}
    write_csv(pd.DataFrame(curve), folder / "roc.csv")
    write_csv(reliability_curve(labels, scores, 5), folder / "reliability.csv")


def _write_histories(root: Path) -> None:
    kimg, epoch = np.arange(1, 13), np.arange(1, 9)
    gan = {
        "kimg": kimg,
        "gan/generator_loss": 2 + np.sin(kimg),
        "gan/discriminator_loss": 1 + 1 / kimg,
        "gan/accuracy_real": 0.8 - 0.01 * kimg,
        "gan/accuracy_fake": 0.9 - 0.01 * kimg,
        "gan/spread_ratio": 1 - 1 / kimg,
    }
    for label in ("normal", "tumor"):
        write_csv(pd.DataFrame(gan), root / "results" / "gan" / f"dcgan/1/{label}" / "history.csv")
    for (name, skill), seed in product(SKILL.items(), SEEDS):
        losses = {"train_loss": 0.7 / epoch, "valid_loss": 0.7 / epoch + 0.02 * seed}
        history = pd.DataFrame({"epoch": epoch, **losses, "valid_accuracy": skill - 0.2 / epoch})
        write_csv(history, root / "results" / "training" / f"{name}-cnn6" / str(seed) / "history.csv")


def _write_verdicts(root: Path) -> None:
    parts = {"": 12.34567, "/low": 11.0, "/high": 13.5, "/floor": 0.8, "/floor_low": 0.7, "/floor_high": 0.9}
    frechet = {f"fidelity/normal/frechet_made_up{part}": value for part, value in parts.items()}
    fidelity = {
        "metrics": frechet | {"fidelity/tumor/density_made_up": 0.5},
        "about": {"frechet_made_up": {"description": "made up", "better": "lower"}},
        "patches": {"normal": 20, "tumor": 20},
        "protocol": {"extractor": "made-up"},
    }
    write_json(root / "results" / "fidelity" / "dcgan" / "1.json", fidelity)
    privacy = root / "results" / "privacy" / "dcgan" / "1"
    (privacy / "pictures").mkdir(parents=True)
    score = {"question": "Made-up score?", "value": -12.2, "low": None, "high": None, "expected": 0.0}
    scores = {"data_copying": score | {"on_copies": -6.9, "on_shrunken_variety": -13.99}}
    votes = {"": 0.502, "/low": 0.48, "/high": 0.52, "/expected": 0.5, "/p_value": 0.4, "/p_adjusted": 1.0}
    metrics = {f"privacy/tumor/votes{part}": value for part, value in votes.items()}
    metrics |= {"privacy/tumor/shadow_on_copies_auc": 0.58}
    metrics |= {f"privacy/tumor/shadow_auc{part}": value for part, value in votes.items()}
    labels = {"tumor": class_audit(descriptions=scores)}
    chosen = {"normal": None, "tumor": "discriminator, best of 4"}
    audit(metrics=metrics, labels=labels, selected_by=chosen).save(privacy / "metrics.json")
    Image.new("RGB", (120, 60), "wheat").save(privacy / "pictures" / "correlation-tumor.png")
    save_svg(empty_plot()[0], privacy / "pictures" / "correlation-tumor.svg")
    Image.new("RGB", (120, 60), "plum").save(privacy / "pictures" / "gallery-tumor.png")


def _write_comparison(root: Path) -> None:
    results = root / "results"
    test, runs = load_runs(results / "evaluate", PipelineSettings(**PIPELINE))
    clusters = build_clusters(test.slides, test.labels, slides_known=True, patients={})
    settings = evaluate_settings()
    comparison = compare(test, [run for run in runs if not run.key.is_control], clusters, settings)
    comparison.save(results / "comparison" / "comparison.json")
    kept = [run for run in runs if run.key.is_control or run.key.regime == "original"]
    controls = compare(test, kept, clusters, settings)
    controls.save(results / "comparison" / "controls.json")
    found = Audit.load(results / "privacy" / "dcgan" / "1" / "metrics.json")
    build_verdict(
        comparison,
        {"dcgan": [AuditedSet(found, None)]},
        controls=controls,
        generators=["dcgan"],
        classifiers=["cnn6"],
        margin=0.05,
        demonstration=True,
        mean_colour=0.61,
    ).save(results / "verdict.json")
    for seed in SEEDS:
        shares = {"n": 140, "accuracy": 0.9, "recall": 0.8, "specificity": 1.0}
        ends = {f"{name}/{end}": 0.5 for name in shares for end in ("low", "high")}
        counts = {"true_positive": 1, "false_negative": 0, "true_negative": 1, "false_positive": 0}
        file = results / "on_synthetic" / f"dcgan-cnn6-{seed}" / "metrics.json"
        write_json(file, {**shares, **ends, "confusion": counts})


def _write_studies(root: Path) -> None:
    plain = {"sentences": ["Twenty made-up trials."], "figures": ["results/tuning/history.svg"]}
    named = {"file": "curve.svg", "alt": "A made-up curve", "caption": "Made up"}
    for study, summary, file in [
        ("tuning", plain, "history.svg"),
        ("scaling", {"sentences": ["A made-up law holds."], "figures": [named]}, "curve.svg"),
    ]:
        write_json(root / "results" / study / "summary.json", {**summary, "made_from": {}})
        save_svg(empty_plot()[0], root / "results" / study / file)


def fabricate(root: Path) -> Path:
    """Write the tree.

    Args:
        root: An empty folder.

    Returns:
        The same folder, which now looks like a checkout after the pipeline has run.
    """
    samples = _samples()
    write_table(_cohort(), root / "data" / "cohort.parquet")
    write_table(_indexed(), root / "data" / "index" / "slides.parquet")
    write_table(samples, root / "data" / "samples.parquet")
    extracted = [{"slide": slide, "patches": 40} for slide in samples["slide"].unique()]
    write_table(rows(EXTRACTED, extracted), root / "data" / "patches_by_slide.parquet")
    for number, role in enumerate(ROLES):
        drawn = samples[samples["role"] == role].reset_index(drop=True)
        write_noise(root / "data" / "patches" / role, drawn, SIDE_PX, number)
    for number, label in enumerate(("normal", "tumor")):
        index = pd.DataFrame({"item": range(70), "label": label, "generator": "dcgan", "seed": 1})
        write_noise(root / "data" / "synthetic" / f"dcgan/1/{label}", index, SIDE_PX, 100 + number)
    test = samples[samples["role"] == "test"].reset_index(drop=True)
    for (name, skill), seed in product(SKILL.items(), SEEDS):
        _write_evaluation(root / "results" / "evaluate" / f"{name}-cnn6-{seed}", test, skill, seed)
    write_json(root / "results" / "baseline.json", {"accuracy": 0.61})
    _write_histories(root)
    _write_verdicts(root)
    _write_comparison(root)
    _write_studies(root)
    checkpoint = root / "models" / "gan" / "dcgan" / "1" / "tumor" / "generator.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"made up")
    meta = {"description": "a <made-up> network", "health": HEALTHY.as_json()}
    write_json(checkpoint.parent / "model.json", meta)
    (root / "params.yaml").write_text(
        f"# made up\npipeline: {json.dumps(PIPELINE)}\nreport:\n  title: A <made-up> study\n"
    )
    return root


SETTINGS = ReportSettings(
    title="A <made-up> study",
    grid_patches=64,
    grid_columns=8,
    patient_pictures="shown",
)


def report_on(root: Path, out: Path, patient_pictures: bool = True) -> Path:
    """Write the report on a tree, and return its folder."""
    shown = SETTINGS.model_copy(update={"patient_pictures": "shown" if patient_pictures else "left_out"})
    build_report(root, out, shown, hashes=file_hashes(root), versions=result_versions())
    return out
