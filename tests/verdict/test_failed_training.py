"""A study with one training at a learning rate of 10: every output says so, and nothing is released."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from factories.release import make_study, release_audit
from factories.runs import evaluate_settings
from factories.study import report_on
from factories.toy_classifier import toy_config

from pathgen.classifier.classifier_checkpoint import load_classifier, load_metadata, save_classifier
from pathgen.classifier.retries import train_with_retries
from pathgen.core import layout
from pathgen.core.profiles import read_profile
from pathgen.evaluation.compare import compare
from pathgen.evaluation.evaluate import evaluate
from pathgen.evaluation.evaluated_runs import load_runs
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.patches.store import open_patch_set
from pathgen.release.gate import reasons_against
from pathgen.release.release_inputs import read_inputs
from pathgen.report.read_results import read_pipeline
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Evaluation
from pathgen.results.health_record import ClassifierHealth
from pathgen.results.verdict_record import Verdict
from pathgen.studies.scaling.point import Point, TrainPoint, load_originals
from pathgen.studies.scaling.scaling_results import write_results
from pathgen.studies.scaling.settings import ScalingTraining
from pathgen.training.metric_logger import NullLogger
from pathgen.training.settings import ComputeSettings
from pathgen.verdict.build import AuditedSet, build_verdict
from pathgen.verdict.verdict_text import as_text

GROUP, SEED = "synthetic-dcgan-cnn6", 3
RUN = f"{GROUP}-{SEED}"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that could be released, but for the training of its third seed."""
    root = make_study(tmp_path_factory.mktemp("failed"))
    folders = (layout.TRAIN, layout.VALID, layout.TEST)
    train, valid, test = (open_patch_set(root / folder) for folder in folders)
    trained = train_with_retries(
        train,
        valid,
        toy_config(learning_rate=10.0, seed=3),
        device=CPU,
        resume_folder=root / "work",
        logger=NullLogger(),
        desc=f"train {RUN}",
    )
    model = root / layout.classifier_model(Path(GROUP, str(SEED)))
    save_classifier(model, trained, {"classifier": "cnn6"})
    health = ClassifierHealth.model_validate(load_metadata(model)["health"])
    clusters = build_clusters(test.index["slide"].to_numpy(), test.classes, slides_known=True, patients={})
    settings = evaluate_settings()
    folder = root / layout.evaluation(RUN)
    evaluate(load_classifier(model), test, valid, clusters, folder, settings, CPU, health)
    comparison = compare(*load_runs(folder.parent, read_pipeline(root)), clusters, settings)
    comparison.save(root / layout.COMPARISON_JSON)
    build_verdict(
        comparison,
        {"dcgan": [AuditedSet(release_audit(), None)]},
        generators=["dcgan"],
        classifiers=["cnn6"],
        # So wide that nothing else stands against a release.
        margin=0.49,
        demonstration=False,
        mean_colour=0.55,
    ).save(root / layout.VERDICT)
    report_on(root, root / "report", patient_pictures=False)
    return root


def test_checkpoint_and_evaluation_record_the_failure(study: Path) -> None:
    saved = json.loads((study / layout.classifier_model(Path(GROUP, str(SEED))) / "model.json").read_text())[
        "health"
    ]
    assert saved["converged"] is False and saved["failures"] and saved["training_seed"] == 3
    evaluation = Evaluation.load(study / layout.evaluation(RUN) / "metrics.json")
    assert evaluation.health == ClassifierHealth.model_validate(saved)


def test_comparison_has_the_mean_with_and_without(study: Path) -> None:
    found = Comparison.load(study / layout.COMPARISON_JSON).regime("cnn6", "synthetic-dcgan")
    assert found is not None and found.not_converged == (RUN,)
    accuracy = found.metrics["accuracy"]
    assert accuracy.converged is not None and accuracy.converged > accuracy.mean


def test_verdict_and_summary_name_the_run(study: Path) -> None:
    verdict = Verdict.load(study / layout.VERDICT)
    assert verdict.headline["not_converged"] == 1
    assert "training not converged" in verdict.tags["verdict.release"]
    text = " ".join(as_text(verdict).split())
    assert RUN in text and "FAILED TRAININGS" in text and "without: synthetic" in text
    table = (study / "report" / "results.md").read_text()
    assert "| cnn6 | 3 (1 not converged) |" in table
    assert "include 1 training that did not converge" in table


def test_release_is_refused(study: Path) -> None:
    reasons = [str(reason) for reason in reasons_against(read_inputs(study, "dcgan"))]
    assert any(f"training not converged ({RUN})" in reason for reason in reasons)


class PointRecord(NullLogger):
    """Record of a point of the scaling study."""

    def __init__(self) -> None:
        self.states: list[tuple[str, bool]] = []

    def health(self, state: str, *, converged: bool) -> None:
        self.states.append((state, converged))


def test_scaling_points_mark_failed_trainings(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)
    record = PointRecord()

    @contextmanager
    def open_run(*_: Any, **__: Any) -> Iterator[PointRecord]:
        yield record

    points = []
    for seed, size in ((1, 5), (2, 10)):
        work = TrainPoint(
            point=Point("original", str(size), size, "cnn6", seed),
            load_patches=partial(load_originals, count=size, order_seed=1, seed=seed),
            recipe=toy_config().recipe,
            training=ScalingTraining(max_steps=4, validate_every_steps=2, learning_rate=10.0, order_seed=1),
            threshold=0.5,
            compute=ComputeSettings(**read_profile("phantom")["compute"] | {"device": "cpu", "threads": 1}),
            open_run=open_run,
        )
        points.append(work(tmp_path))
    assert record.states == [("not converged", False)] * 2
    assert all(point["health"]["converged"] is False for point in points)
    summary, _ = write_results(points, tmp_path, confidence=0.95, bootstrap=100, made_from={})
    named = "2 trainings did not converge and are included: original-5-cnn6-1, original-10-cnn6-2."
    assert named in summary.sentences
    assert "not_converged" in (tmp_path / "curve.csv").read_text().splitlines()[0]
    assert "black crosses" in str(summary.figures[0])
