"""Records keep the bytes of the files that they read, and name the key that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from factories.audits import audit
from factories.runs import comparison
from factories.training import HEALTHY
from factories.verdicts import verdict

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.results.audit_record import Audit
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Baseline, Evaluation, SyntheticEvaluation
from pathgen.results.fidelity_record import Fidelity
from pathgen.results.record import Record
from pathgen.results.study_record import StudySummary, TuningSummary
from pathgen.results.training_record import GeneratorMeta
from pathgen.results.verdict_record import Verdict

CONFUSION = {"true_positive": 3, "false_negative": 1, "true_negative": 2, "false_positive": 0}
STUDY = {
    "sentences": ["It falls."],
    "figures": ["a.svg", {"file": "b.svg", "alt": "b", "caption": "B"}],
    "made_from": {"code": "sha256:0"},
}
CONTENTS: list[tuple[type[Record], dict[str, Any]]] = [
    (Baseline, {"accuracy": 0.61}),
    (
        Evaluation,
        {
            "accuracy": 0.8,
            "n": 6,
            "intervals": {"accuracy": {"low": 0.7, "high": 0.9}},
            "resampled": {"unit": "slide", "count": 2},
            "thresholds": {"call": 0.5, "operating": 0.7},
            "confusion": CONFUSION,
            "undefined": {"precision": "no patch was called tumor"},
            "health": {"converged": False, "failures": ["loss not finite"], "training_seed": 3},
        },
    ),
    (SyntheticEvaluation, {"n": 6, "accuracy": 1.0, "accuracy/low": 0.5, "confusion": CONFUSION}),
    (Fidelity, {"metrics": {"fidelity/all/colour": 0.5, "n": 3}, "patches": {"all": 3}, "protocol": {}}),
    (Audit, audit("refused", metrics={"a": 1, "b": 1.0}).as_json()),
    (Comparison, comparison().as_json()),
    (StudySummary, STUDY),
    (
        TuningSummary,
        {
            **STUDY,
            "regime": "original",
            "generator": None,
            "classifier": "cnn6",
            "seeds": [1],
            "trials": {"finished": 3, "pruned": 0},
            "best": {"trial": 2, "value": 0.9, "scores": [0.9], "fields": {"a.b": 0.1, "a.d": "d4"}},
            "importance": {"a.b": 1.0},
        },
    ),
    (GeneratorMeta, {"architecture": "dcgan", "recipe": {"kimg": 5.0}, "health": HEALTHY.as_json()}),
    (Verdict, verdict().as_json()),
]


@pytest.mark.parametrize(("kind", "content"), CONTENTS, ids=lambda value: getattr(value, "__name__", ""))
def test_record_read_and_written_keeps_bytes(
    kind: type[Record], content: dict[str, Any], tmp_path: Path
) -> None:
    write_json(tmp_path / "a.json", content)
    kind.load(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"test": {}, "regimes": [], "differences": []}, "test.patches"),
        ({"regimes": [], "differences": []}, "test"),
        ([], "content"),
    ],
)
def test_record_damaged_names_the_key(content: object, named: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(content))
    with pytest.raises(PathgenError) as raised:
        Comparison.load(file)
    assert raised.value.subject == str(file)
    assert raised.value.reason.startswith(f"{named}: ")


def test_record_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff{")
    with pytest.raises(PathgenError):
        Baseline.load(tmp_path / "a.json")


def test_record_missing_file_is_none_or_refused(tmp_path: Path) -> None:
    assert Baseline.load_if_exists(tmp_path / "a.json") is None
    with pytest.raises(PathgenError):
        Baseline.load(tmp_path / "a.json")


def test_evaluation_metrics_are_the_undeclared_keys() -> None:
    found = Evaluation.model_validate(CONTENTS[1][1])
    assert found.metrics == {"accuracy": 0.8, "n": 6}
