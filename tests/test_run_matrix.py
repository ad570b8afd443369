"""The runs of a study's classifiers, and the removal of results that are no longer in the settings."""

from pathlib import Path
from typing import Any

import pydantic
import pytest

from pathgen.core.errors import PathgenError
from pathgen.run_matrix import PipelineSettings, RunKey, prune

LISTS: dict[str, Any] = {
    "generators": ["dcgan", "dp-eps10"],
    "classifiers": ["cnn6", "cnn6-tuned"],
    "regimes": ["mixed", "synthetic"],
    "seeds": [1, 2, 5, 7],
    "replicates": 2,
    "controls": [],
}
SETTINGS = PipelineSettings(**LISTS)


def test_names_of_regimes_and_runs() -> None:
    run = RunKey("mixed", "dp-eps10", "cnn6-tuned", 3, 1)
    assert (run.regime_name, run.group) == ("mixed-dp-eps10", "mixed-dp-eps10-cnn6-tuned")
    assert run.name == "mixed-dp-eps10-cnn6-tuned-3"
    assert RunKey("original", None, "cnn6", 1).name == "original-cnn6-1"


def test_seeds_are_dealt_out_among_the_replicates() -> None:
    runs = SETTINGS.runs_of("mixed", "dcgan", "cnn6")
    assert [(run.seed, run.replicate) for run in runs] == [(1, 1), (2, 2), (5, 1), (7, 2)]
    original = SETTINGS.runs_of("original", None, "cnn6")
    assert [(run.seed, run.replicate) for run in original] == [(seed, None) for seed in (1, 2, 5, 7)]
    assert len(SETTINGS.runs()) == 2 * 4 * (1 + 2 * 2)
    assert runs[1].synthetic_sets["tumor"] == Path("data/synthetic/dcgan/2/tumor")
    assert original[0].synthetic_sets == {}


def test_run_is_found_by_its_name() -> None:
    assert {SETTINGS.run(run.name) for run in SETTINGS.runs()} == set(SETTINGS.runs())
    for name in ("", "original", "mixed-vae-cnn6-1", "mixed-dcgan-cnn6-3", "other-cnn6-1"):
        with pytest.raises(PathgenError):
            SETTINGS.run(name)


def test_order_puts_the_runs_of_a_row_together() -> None:
    keys = sorted(reversed(SETTINGS.runs()), key=lambda key: key.order)
    rows = [key.order[:3] for key in keys]
    assert len(set(rows)) == 2 * 5
    assert [row for at, row in enumerate(rows) if row in rows[: max(0, at - 3)]] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generators": ["dcgan", "dcgan"]}, "generators"),
        ({"replicates": 3}, "4 seeds cannot be dealt out evenly among 3 replicates"),
        ({"replicates": 0}, "replicates"),
        ({"generators": ["a", "a-b"], "classifiers": ["c", "b-c"]}, "the name mixed-a-b-c-1"),
    ],
)
def test_unsuitable_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        PipelineSettings(**LISTS | changes)


def test_prune_removes_only_what_is_not_in_the_settings(tmp_path: Path) -> None:
    keep = ["results/evaluate/original-cnn6-1", "models/gan/dcgan", "results/privacy/dcgan"]
    keep += ["results/gan/dp-eps10", "data/synthetic/dcgan", "results/on_synthetic/dp-eps10-cnn6-1"]
    keep += ["models/classifier/mixed-dcgan-cnn6", "results/training/original-cnn6-tuned"]
    drop = ["results/gan/dcgan-tumor", "models/gan/stylegan2", "results/privacy/stylegan2"]
    drop += ["results/evaluate/original-cnn6-3", "results/on_synthetic/vae-cnn6-1"]
    drop += ["models/classifier/mixed-dcgan-cnn6-1"]
    for name in keep + drop:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "results/fidelity").mkdir()
    (tmp_path / "results/fidelity/dcgan.json").write_text("{}")  # of an earlier version
    (tmp_path / "results/evaluate/.gitignore").write_text("")
    removed = {str(path.relative_to(tmp_path)) for path in prune(SETTINGS, tmp_path)}
    assert removed == {*drop, "results/fidelity/dcgan.json"}
    assert all((tmp_path / name / "file").exists() for name in keep)
    assert (tmp_path / "results/evaluate/.gitignore").exists()


def test_prune_empty_checkout_removes_nothing(tmp_path: Path) -> None:
    assert prune(SETTINGS, tmp_path) == []
