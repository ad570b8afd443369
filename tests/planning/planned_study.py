"""The default study, with some settings changed, and what its networks weigh."""

import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pathgen.core.profiles import read_profile
from pathgen.planning.study import Study, read_study
from pathgen.planning.workload import Sizes

CHECKOUT = Path(__file__).resolve().parents[2]
SIZES = Sizes(gans={"dcgan": 1_000_000}, classifiers={"cnn6": 500_000})


def default_study() -> Study:
    return study_with({})


def study_with(changes: dict[str, Any]) -> Study:
    """Return the profile phantom with one classifier and these settings, each named with dots."""
    params = read_profile("phantom")
    for name, value in {"pipeline.classifiers": ["cnn6"], "cohort.phantom.seed": 1, **changes}.items():
        *places, last = name.split(".")
        part = params
        for place in places:
            part = part[place]
        part[last] = value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        YAML(typ="safe").dump(params, file)
        return read_study(file)
