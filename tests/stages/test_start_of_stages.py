"""What a stage loads before it works."""

import os
import subprocess
import sys

import pytest

# Loading them takes longer than these stages work.
NETWORKS = ("torch", "torchvision")
PICTURES = ("matplotlib", "plotly", "jinja2")
WITHOUT = [
    (("check_params",), (*NETWORKS, *PICTURES, "mlflow", "dvc", "pandas", "scipy", "sklearn")),
    (("cohort", "index", "sample", "extract"), (*NETWORKS, *PICTURES, "sklearn")),
    (("compare", "baseline", "fidelity"), (*NETWORKS, *PICTURES)),
    (("synthesise", "train_gan", "train_classifier", "evaluate"), (*PICTURES, "torchvision")),
    (("handover",), (*NETWORKS, *PICTURES, "mlflow", "dvc", "pandas", "numpy", "pathgen")),
]
_TELL = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
# Of a fork: what it still loads to be where a stage's run begins.
_FORKED = """
import os, sys
import stages.warm
stages.warm.load_libraries()
assert not any(name.partition(".")[0] in {"pathgen", "stages"} for name in sys.modules)
assert not sys.modules["torch"].cuda.is_initialized()  # A fork could not use the GPU.
before = set(sys.modules)
import stages.evaluate
from pathlib import Path
from pathgen.tracking.dvc_project import open_project
from pathgen.tracking.location import find_location
from pathgen.tracking.store import open_store
store = open_store("x", find_location(Path(sys.argv[1])))
with open_project(Path.cwd()):
    pass
new = set(sys.modules) - before
print(*(name for name in new if name.partition(".")[0] not in {"pathgen", "stages"}))
"""


def _said(code: str, *arguments: str) -> set[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("stages", "without"), WITHOUT, ids=lambda names: names[0])
def test_stages_do_not_load_what_they_do_not_need(stages: tuple[str, ...], without: tuple[str, ...]) -> None:
    imports = "".join(f"import stages.{stage}; " for stage in stages)
    assert _said(imports + _TELL) & set(without) == set()


def test_fork_has_nearly_all_loaded(tmp_path) -> None:
    loaded = _said(_FORKED, str(tmp_path))
    # Of some 4,000: those that only show when a store is opened.
    assert len(loaded) < 100, sorted(loaded)
