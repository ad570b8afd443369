"""The printed verdict."""

import json
import sys
from pathlib import Path

import pytest
from factories.golden import check_golden
from factories.verdicts import generator_verdict, verdict, write_verdict

from pathgen.cli import main
from pathgen.results.verdict_record import AddedAnswer, AloneAnswer, Needed, PrivacyAnswer
from pathgen.verdict.verdict_text import as_text

UNITS = {"test": 4, "seeds": 3}
FAILED = generator_verdict(
    alone=AloneAnswer(
        outcome="inconclusive",
        difference=-0.22,
        low=-0.548,
        high=0.107,
        without_failed=-0.147,
        needed=Needed(distance=0.17, alone={"test": 17, "seeds": None}, factor=2.6),
        units=UNITS,
    ),
    added=AddedAnswer(
        outcome="inconclusive",
        difference=-0.05,
        low=-0.12,
        high=0.02,
        needed=Needed(distance=0.0001, alone={"test": None, "seeds": None}, factor=None),
        units=UNITS,
    ),
    private=PrivacyAnswer(outcome="audit refused"),
    not_converged=("synthetic-dcgan-cnn6-3",),
    repeated=("mixed-dcgan-cnn6-1", "mixed-dcgan-cnn6-2"),
    first_epoch=("original-cnn6-1",),
    generator_faults={"dcgan/1/normal": "low variety", "dcgan/1/tumor": "overfitted"},
    obstacles=(
        "not shown to be useful",
        "audit refused",
        "training not converged",
        "generator not converged",
    ),
)
OTHER = generator_verdict(
    generator="dp",
    alone=AloneAnswer(outcome="inadequate", difference=-0.31, low=-0.4, high=-0.22, units={"test": 900}),
    added=AddedAnswer(outcome="helps", difference=0.03, low=0.01, high=0.05, units={"test": 900}),
    private=PrivacyAnswer(
        outcome="leak detected",
        attack="domias_auc",
        found=("domias_tpr (normal)",),
        label="normal",
        auc=0.7,
        low=0.66,
        high=0.74,
        epsilon=8.0,
    ),
    obstacles=("leak detected",),
)
NO_INTERVAL = generator_verdict(
    alone=AloneAnswer(outcome="inconclusive", difference=-0.01, low=None, high=None),
    added=None,
    private=None,
    effect=0.02,
    obstacles=("not shown to be useful",),
)


def test_text_is_the_golden_one() -> None:
    study = verdict(FAILED, generator_verdict(generator="good"), demonstration=True)
    patches = verdict(OTHER, NO_INTERVAL, unit="patch", margin=0.025)
    check_golden("verdict.txt", f"{as_text(study)}\n{as_text(patches)}")


def test_text_fits_a_terminal() -> None:
    text = as_text(verdict(FAILED, OTHER, NO_INTERVAL, demonstration=True))
    assert max(map(len, text.splitlines())) <= 80
    assert text.endswith("\n") and "\n\n\n" not in text and "None" not in text


def test_margin_is_called_wide_where_it_gives_up_half_of_the_effect() -> None:
    texts = [as_text(verdict(generator_verdict(effect=effect))) for effect in (None, 0.11, 0.09, -0.02)]
    assert ["WIDE MARGIN" in text for text in texts] == [False, False, True, True]
    assert "no margin is small enough" in texts[3].replace("\n", " ").replace("  ", "")


def test_command_prints_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_verdict(tmp_path, FAILED)
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["pathgen", "verdict", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert said() == as_text(verdict(FAILED))
    assert json.loads(said("--json"))["generators"][0]["not_converged"] == ["synthetic-dcgan-cnn6-3"]
