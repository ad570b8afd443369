"""Runs of the controls of usefulness in the run matrix."""

from pathlib import Path

import pydantic
import pytest

from pathgen.run_matrix import PipelineSettings

SECTION = {
    "generators": ["dcgan"],
    "classifiers": ["cnn6", "cnn6-tuned"],
    "regimes": ["mixed", "synthetic"],
    "seeds": [1, 2],
    "replicates": 2,
    "controls": ["control-blur"],
}


def test_controls_are_runs_of_the_regime_synthetic_alone() -> None:
    pipeline = PipelineSettings.model_validate(SECTION)
    controls = [run for run in pipeline.runs() if run.is_control]
    assert [run.name for run in controls] == [
        *("synthetic-control-blur-cnn6-1", "synthetic-control-blur-cnn6-2"),
        *("synthetic-control-blur-cnn6-tuned-1", "synthetic-control-blur-cnn6-tuned-2"),
    ]
    assert pipeline.run("synthetic-control-blur-cnn6-2") == controls[1]


def test_controls_that_must_fail_have_at_most_five_seeds() -> None:
    many = {"seeds": [*range(1, 9)], "controls": ["control-fresh", "control-noise"]}
    pipeline = PipelineSettings.model_validate(SECTION | many)
    seeds = {
        control: [run.seed for run in pipeline.runs_of("synthetic", control, "cnn6")]
        for control in pipeline.controls
    }
    assert seeds == {"control-fresh": [*range(1, 9)], "control-noise": [1, 2, 3, 4, 5]}


def test_control_is_trained_on_its_own_patch_sets() -> None:
    pipeline = PipelineSettings.model_validate(SECTION)
    (first, _) = pipeline.runs_of("synthetic", "control-blur", "cnn6")
    assert first.synthetic_sets["normal"] == Path("data/controls/control-blur/normal")
    assert not pipeline.run("synthetic-dcgan-cnn6-1").is_control
    assert not pipeline.run("original-cnn6-1").is_control


@pytest.mark.parametrize("generator", ["control-blur", "control-noise"])
def test_generator_with_the_name_of_a_control_is_refused(generator: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=f"{generator} has the name of a control"):
        PipelineSettings.model_validate(SECTION | {"generators": ["dcgan", generator]})


def test_controls_must_be_named() -> None:
    with pytest.raises(pydantic.ValidationError, match="controls"):
        PipelineSettings.model_validate({name: SECTION[name] for name in SECTION if name != "controls"})


def test_unknown_control_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="controls"):
        PipelineSettings.model_validate(SECTION | {"controls": ["control-vae"]})
