"""A tiny DVC project that was really run, and a store that four processes created at once."""

import json
import os
import sys
from collections.abc import Iterator

import pytest
from factories.dvc_project import FOREIGN, Project

_PIPELINE = """
vars:
  - generators: [dcgan]
stages:
  prepare:
    cmd: python stage.py data/prepared
    deps: [stage.py, library]
    params: [sample]
    outs: [data/prepared]
  train_gan:
    matrix:
      generator: ${generators}
      label: [normal, tumor]
    cmd: python stage.py models/${item.generator}-${item.label}
    deps: [stage.py, library/code.py, data/prepared]
    params:
      - gan.rate
      - gan.${item.generator}
      - gan.steps
      - gan.fast
      - gan.nothing
      - other.yaml:
    outs:
      - models/${item.generator}-${item.label}
"""
_PARAMS = """
sample: {count: 3}
gan:
  rate: 2e-4
  dcgan: {width: 64}
  steps: [1, 2]
  fast: on
  nothing: null
tracking: {experiment: pathgen, system_metrics: true, system_metrics_interval_s: 0.5}
"""
# Writes the key that the stage computes while it runs to a file that DVC does not know.
_STAGE = """
import sys
from pathlib import Path
from pathgen.tracking.dvc_api import find_stage, open_project
out = Path(sys.argv[1])
out.mkdir(parents=True)
(out / "made.txt").write_text(sys.argv[1])
(out / "sub").mkdir()
(out / "sub" / "more.txt").write_text("x")
with open_project(Path()) as project:
    stage = find_stage(project, "")
keys = Path("keys")
keys.mkdir(exist_ok=True)
(keys / stage.name).write_text(stage.key)
"""
_FOUR_AT_ONCE = """
import json, os, signal, sys
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store  # before the fork, so that all four start together
from pathgen.tracking.client import open_store
from pathgen.tracking.run import StageFacts, tracked_run

def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as problem:
            print(repr(problem), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child

def opened():
    Path(f"opened-{os.getpid()}").write_text(open_store().experiment_id)

def killed():
    with tracked_run(StageFacts("train_gan", "killed", {}, {"rate": 1}, {})) as run:
        run.metrics({"train/loss": 1.0}, 0)
        run.metrics({"train/loss": 0.5}, 1)
        run.flush()
        Path("killed").write_text(run.run_id)
        os.kill(os.getpid(), signal.SIGKILL)

children = [in_child(opened) for _ in range(4)]
ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
last = in_child(killed)
ends.append(os.waitstatus_to_exitcode(os.waitpid(last, 0)[1]))
Path("ends.json").write_text(json.dumps(ends))
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    here = Project(root)
    (root / "library").mkdir()
    (root / "library" / "code.py").write_text("x = 1\n")
    (root / "library" / "notes é.txt").write_text("é\n")
    (root / "stage.py").write_text(_STAGE)
    (root / "dvc.yaml").write_text(_PIPELINE)
    (root / "params.yaml").write_text(_PARAMS)
    (root / "other.yaml").write_text("a: 1\nb: {c: [x, y]}\n")
    (root / ".gitignore").write_text(
        "__pycache__\n/keys/\n/work/\n/mlflow.db*\n/mlruns/\n/opened-*\n/ends.json\n/killed\n"
    )
    here.init()
    with (root / ".dvcignore").open("a") as ignored:
        ignored.write("__pycache__\n")
    here.run(sys.executable, "-m", "dvc", "repro", "-q")
    (root / "library" / "__pycache__").mkdir()
    (root / "library" / "__pycache__" / "code.pyc").write_text("compiled later")
    here.git("add", "-A")
    here.git("commit", "-q", "-m", "First")
    return here


@pytest.fixture(scope="session")
def _recorded(project: Project) -> Project:
    project.run(sys.executable, "-c", _FOUR_AT_ONCE)
    return project


@pytest.fixture
def tracked(_recorded: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project with a store, as the working folder."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    # MLflow writes these itself; setenv first, so that what it wrote is undone.
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "to be removed")
        monkeypatch.delenv(name)
    monkeypatch.chdir(_recorded.root)
    yield _recorded


@pytest.fixture
def exit_codes(tracked: Project) -> list[int]:
    """Of the four processes that created the store at once, and of the one that was killed."""
    return list(json.loads((tracked.root / "ends.json").read_text()))
