"""A small, complete study with made-up results, in the layout of the pipeline."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from factories.audits import audit, class_audit
from factories.runs import evaluate_settings
from pathgen.core.files import write_json
from pathgen.evaluation.compare import compare
from pathgen.evaluation.load import load_runs
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.calibration import reliability_curve
from pathgen.patches.parquet import write_table
from pathgen.patches.schemas import COHORT, INDEXED, SAMPLES, check_table, empty_table
from pathgen.patches.store import write_patch_set
from pathgen.report.hashes import file_hashes, library_versions
from pathgen.report.page import build_report
from pathgen.report.settings import ReportSettings
from pathgen.run_matrix import Replicate
from pathgen.webpage.pictures import save_svg
from pathgen.webpage.plotting import empty_plot

SIDE_PX = 16
SEEDS = (1, 2, 3)
# Shares of patches that a made-up classifier gets right, by regime.
SKILL = {"original": 0.9, "mixed-dcgan": 0.85, "synthetic-dcgan": 0.65}
TEST_SLIDES = ("made_up_test_001", "made_up_test_002")
ROLES = ("train", "valid", "test", "nonmember")


def _cohort() -> pd.DataFrame:
    slides = [
        *(("made_up_001", "train", "tumor"), ("made_up_002", "train", "normal")),
        *(("made_up_003", "valid", "tumor"), ("made_up_004", "train", "normal")),
        *(("made_up_005", "train", "normal"), *((slide, "test", "tumor") for slide in TEST_SLIDES)),
    ]
    frame = pd.DataFrame(slides, columns=["slide", "split", "label"]).assign(
        **{"source": "phantom", "annotation": None, "patient": None, "exhaustive": True, "slide_known": True},
        **{"width_px": 4096, "height_px": 4096, "mpp_x": 0.25, "mpp_y": 0.25, "levels": 3},
        **{"vendor": "made up", "bytes": 1, "sha256": "0" * 64, "skipped": None},
    )
    frame["path"] = frame["split"] + "/" + frame["slide"] + ".tif"
    frame.loc[frame["slide"] == "made_up_004", "skipped"] = "truncated: <the last> 3 tiles are missing"
    return check_table(frame, COHORT, "made up")


def _indexed() -> pd.DataFrame:
    """Return the table of the index: one slide was left out there."""
    slides = _cohort().query("skipped.isna()")["slide"]
    counts = {"candidates": 40, "tumor_candidates": 20}
    left_out = {"reason": "no <tissue> was found"}
    lines = [
        dict.fromkeys(empty_table(INDEXED).columns)
        | {"slide": slide}
        | (left_out if slide == "made_up_005" else counts)
        for slide in slides
    ]
    return check_table(pd.DataFrame(lines), INDEXED, "made up")


def _samples() -> pd.DataFrame:
    slides = {"train": "made_up_001", "valid": "made_up_003", "nonmember": "made_up_002"}
    lines = [
        {
            "slide": slides.get(role, TEST_SLIDES[number % 2]),
            "item": number,
            "x_l0": 256 * number,
            "split": "train" if role == "nonmember" else role,
            "label": "tumor" if number < 20 else "normal",
            "role": role,
        }
        for role in ROLES
        for number in range(40)
    ]
    unknown = ("file", "patient", "tumor_fraction", "exclusion_fraction", "tissue_fraction", "touches_tumor")
    frame = pd.DataFrame(lines).assign(y_l0=0, size_l0=256, exhaustive=True, **dict.fromkeys(unknown))
    frame = frame.sort_values(["role", "label", "slide", "item"], ignore_index=True)
    return check_table(frame, SAMPLES, "made up")


def _write_patches(folder: Path, index: pd.DataFrame, seed: int) -> None:
    random = np.random.default_rng(seed)
    base = np.where((index["label"] == "tumor").to_numpy(), 90, 180)[:, None, None, None]
    images = np.clip(base + random.integers(-60, 60, (len(index), SIDE_PX, SIDE_PX, 3)), 0, 255)
    write_patch_set(folder, index, SIDE_PX, [images.astype(np.uint8)])


def _confusion(truth: np.ndarray, said: np.ndarray) -> dict[str, int]:
    return {
        "true_positive": int((truth & said).sum()),
        "false_negative": int((truth & ~said).sum()),
        "true_negative": int((~truth & ~said).sum()),
        "false_positive": int((~truth & said).sum()),
    }


def _write_evaluation(folder: Path, test: pd.DataFrame, skill: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = (test["label"] == "tumor").to_numpy()
    right = random.random(len(test)) < skill
    said = np.where(right, truth, ~truth)
    scores = np.where(said, 0.5, 0.0) + random.random(len(test)) / 2
    frame = test[["slide", "item", "label"]].reset_index(drop=True)
    frame = frame.assign(score=scores, predicted=np.where(said, "tumor", "normal").astype(object))
    write_table(frame, folder / "predictions.parquet")
    correct = said == truth
    metrics = {
        "accuracy": float(correct.mean()),
        "precision": float(truth[said].mean()),
        "recall": float(said[truth].mean()),
        "f1": float(2 * (said & truth).sum() / (said.sum() + truth.sum())),
        "roc_auc": skill,
        "average_precision": None,
        "calibration_error": 0.1,
        "n": len(test),
        "intervals": {},
        "resampled": {"unit": "slide", "count": len(TEST_SLIDES)},
        "thresholds": {"call": 0.5, "operating": 0.7},
        "confusion": _confusion(truth, said),
        "undefined": {},
    }
    write_json(folder / "metrics.json", metrics)
    facts = pd.DataFrame({"slide": test["slide"].to_numpy(), "n": 1, "n_tumor": truth, "accuracy": correct})
    per_slide = facts.groupby("slide").agg({"n": "sum", "n_tumor": "sum", "accuracy": "mean"})
    per_slide.to_csv(folder / "per_slide.csv")
    rate = np.linspace(0, 1, 20)
    curve = pd.DataFrame(
        {"false_positive_rate": rate, "true_positive_rate": rate ** (1 - skill), "threshold": 1 - rate}
    )
    curve.to_csv(folder / "roc.csv", index=False)
    reliability_curve(truth.astype(np.int64), scores, 5).to_csv(folder / "reliability.csv", index=False)


def _write_histories(root: Path) -> None:
    for label in ("normal", "tumor"):
        folder = root / "results" / "gan" / f"dcgan/{label}"
        folder.mkdir(parents=True)
        kimg = np.arange(1, 13)
        pd.DataFrame(
            {
                "kimg": kimg,
                "gan/generator_loss": 2 + np.sin(kimg),
                "gan/discriminator_loss": 1 + 1 / kimg,
                "gan/accuracy_real": 0.8 - 0.01 * kimg,
                "gan/accuracy_fake": 0.9 - 0.01 * kimg,
                "gan/spread_ratio": 1 - 1 / kimg,
            }
        ).to_csv(folder / "history.csv", index=False)
    for name, skill in SKILL.items():
        for seed in SEEDS:
            folder = root / "results" / "training" / f"{name}-cnn6-{seed}"
            folder.mkdir(parents=True)
            epoch = np.arange(1, 9)
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "train_loss": 0.7 / epoch,
                    "valid_loss": 0.7 / epoch + 0.02 * seed,
                    "valid_accuracy": skill - 0.2 / epoch,
                }
            ).to_csv(folder / "history.csv", index=False)


def _write_verdicts(root: Path) -> None:
    parts = {"": 12.34567, "/low": 11.0, "/high": 13.5, "/floor": 0.8, "/floor_low": 0.7, "/floor_high": 0.9}
    frechet = {f"fidelity/normal/frechet_made_up{part}": value for part, value in parts.items()}
    fidelity = {
        "metrics": frechet | {"fidelity/tumor/density_made_up": 0.5},
        "about": {"frechet_made_up": {"description": "made up", "better": "lower"}},
        "patches": {"normal": 20, "tumor": 20},
        "protocol": {"extractor": "made-up"},
    }
    write_json(root / "results" / "fidelity" / "dcgan.json", fidelity)
    privacy = root / "results" / "privacy" / "dcgan"
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
    test, runs = load_runs(results / "evaluate", {"dcgan": Replicate("dcgan", 0)})
    clusters = build_clusters(test.slides, test.labels, slides_known=True, patients={})
    settings = evaluate_settings()
    compare(test, runs, clusters, settings).save(results / "comparison" / "comparison.json")
    for seed in SEEDS:
        shares = {"n": 140, "accuracy": 0.9, "recall": 0.8, "specificity": 1.0}
        ends = {f"{name}/{end}": 0.5 for name in shares for end in ("low", "high")}
        counts = _confusion(np.array([True, False]), np.array([True, False]))
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
    for number, role in enumerate(ROLES):
        drawn = samples[samples["role"] == role].reset_index(drop=True)
        _write_patches(root / "data" / "patches" / role, drawn, number)
    for number, label in enumerate(("normal", "tumor")):
        index = pd.DataFrame({"item": range(70), "label": label, "generator": "dcgan", "seed": 1})
        _write_patches(root / "data" / "synthetic" / f"dcgan/{label}", index, 100 + number)
    overlays = root / "data" / "index" / "overlays"
    overlays.mkdir()
    for slide in _cohort()["slide"]:
        Image.new("RGB", (900, 600), "lavender").save(overlays / f"{slide}.png")
    test = samples[samples["role"] == "test"].reset_index(drop=True)
    for name, skill in SKILL.items():
        for seed in SEEDS:
            folder = root / "results" / "evaluate" / f"{name}-cnn6-{seed}"
            folder.mkdir(parents=True)
            _write_evaluation(folder, test, skill, seed)
    write_json(root / "results" / "baseline.json", {"accuracy": 0.61})
    _write_histories(root)
    _write_verdicts(root)
    _write_comparison(root)
    _write_studies(root)
    checkpoint = root / "models" / "gan" / "dcgan" / "tumor" / "generator.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"made up")
    write_json(checkpoint.parent / "model.json", {"description": "a <made-up> network"})
    (root / "params.yaml").write_text(
        "# made up\npipeline:\n  generators: [dcgan]\ntrain_gan:\n  generators: {}\n"
        "report:\n  title: A <made-up> study\n"
    )
    return root


SETTINGS = ReportSettings(
    title="A <made-up> study",
    confidence=0.95,
    grid_patches=64,
    grid_columns=8,
    overlay_slides=4,
    patient_pictures="shown",
)


def report_on(root: Path, out: Path, patient_pictures: bool = True) -> Path:
    """Write the report on a tree, and return its folder."""
    shown = SETTINGS.model_copy(update={"patient_pictures": "shown" if patient_pictures else "left_out"})
    build_report(root, out, shown, hashes=file_hashes(root), versions=library_versions())
    return out
