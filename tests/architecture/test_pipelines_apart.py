"""A bare ``dvc repro`` runs the study alone: no stage of it waits for what a pipeline beside it writes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pathgen.provenance.code_hash import ROOT

BESIDE = sorted(ROOT.glob("*/dvc.yaml"))


def paths(stage: dict[str, list[object]], *keys: str) -> Iterator[Path]:
    for key in keys:
        for entry in stage.get(key, []):
            path = str(next(iter(entry)) if isinstance(entry, dict) else entry)
            # A folder per item of a matrix: what is before the item's name.
            yield Path(path.partition("${")[0])


def waits(deps: list[Path], outs: list[Path]) -> list[tuple[str, str]]:
    return [
        (str(dep), str(out))
        for dep in deps
        for out in outs
        if dep == out or dep in out.parents or out in dep.parents
    ]


@pytest.mark.parametrize("file", BESIDE, ids=lambda file: file.parent.name)
def test_the_study_waits_for_no_pipeline_beside_it(file: Path) -> None:
    def stages(path: Path) -> list[dict[str, list[object]]]:
        return list(YAML(typ="safe").load(path)["stages"].values())

    deps = [path for stage in stages(ROOT / "dvc.yaml") for path in paths(stage, "deps")]
    outs = [path for stage in stages(file) for path in paths(stage, "outs", "metrics", "plots")]
    assert outs
    assert waits(deps, outs) == []


def test_a_dependency_on_the_whole_folder_is_noticed() -> None:
    assert waits([Path("results")], [Path("results/scaling/points")]) == [
        ("results", "results/scaling/points")
    ]
