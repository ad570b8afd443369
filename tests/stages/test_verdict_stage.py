"""The stage `verdict` and the summary on a fabricated study."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from factories.release import make_study
from factories.training import guarantee

from pathgen.core import layout
from pathgen.core.files import write_json
from pathgen.core.labels import LABELS
from pathgen.results.verdict_record import Verdict
from stages import summary, verdict


class Recorder:
    """Logger that keeps metrics and tags."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.tags: dict[str, str] = {}

    def metrics(self, values: dict[str, float], _step: int) -> None:
        self.values |= values

    def tag(self, key: str, value: str) -> None:
        self.tags[key] = value

    def artifact(self, path: Path) -> None:
        assert path.exists()


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_study(tmp_path)
    states = dict(zip(LABELS, ("converged", "overfitted"), strict=True))
    for label, state in states.items():
        meta = {"health": {"state": state, "spread_ratio": 0.9}, "privacy": guarantee(2.0).as_json()}
        write_json(root / layout.gan_model("dcgan", label) / "model.json", meta)
    (root / layout.VERDICT).unlink()
    monkeypatch.chdir(root)
    return root


def test_stage_answers_from_the_files_alone(study: Path) -> None:
    run = Recorder()
    (work,) = verdict.main.args  # type: ignore[attr-defined]
    work(SimpleNamespace(run=run))
    found = Verdict.load(study / layout.VERDICT)
    (one,) = found.generators
    assert found.demonstration and found.margin == 0.05
    assert one.private is not None and one.private.epsilon == 2.0
    assert one.generator_faults == {"dcgan/1/tumor": "overfitted"}
    assert "generator not converged" in one.obstacles
    headline: dict[str, Any] = json.loads((study / layout.HEADLINE).read_text())
    assert headline == found.headline and 6 <= len(headline) <= 10
    assert run.values == {f"verdict/{name}": value for name, value in headline.items()}
    assert run.tags["verdict.private"] == "no leak detected"


def test_summary_prints_the_verdict_before_the_table(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (work,) = verdict.main.args  # type: ignore[attr-defined]
    work(SimpleNamespace(run=Recorder()))
    given: dict[str, Any] = {}

    def linked(_root: Path, **arguments: Any) -> SimpleNamespace:
        given.update(arguments)
        return SimpleNamespace(path=lambda: "#/experiments/1")

    monkeypatch.setattr(summary, "link_pipeline", linked)
    monkeypatch.setattr("sys.argv", ["summary"])
    summary.main()
    said = capsys.readouterr().out
    assert said.startswith("DEMONSTRATION")
    assert said.index("VERDICT on dcgan") < said.index("| trained on |")
    assert given["tags"]["verdict.release"].startswith("not shown to be useful")
    assert given["results"]["verdict/accuracy/mean_colour"] == 0.55
    assert layout.VERDICT in given["attachments"]
