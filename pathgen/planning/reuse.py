"""Which stages would run, and which results DVC would take as they are. No stage is run to find out."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.core.params import PARAMS_FILE, read_params
from pathgen.planning.study import Study
from pathgen.provenance.code_hash import PACKAGES, manifests
from pathgen.tracking.dvc_api import PIPELINE_FILE, new_project, open_project, stage_states

_LOCK = "dvc.lock"
# What it writes says what the code of each stage and network is; a stage reads its own, and they are compared
# here.
_CHECK = "check_params"


@dataclass(frozen=True)
class Reuse:
    """What DVC says of a study's stages.

    Attributes:
        stages: All of them, by DVC's names.
        to_run: Those that would run, at most: results that come out as they were stop it earlier.
        problem: Why DVC could not be asked; all stages then count as to be run.
    """

    stages: frozenset[str]
    to_run: frozenset[str]
    problem: PathgenError | None = None


def find_reuse(study: Study, root: Path) -> Reuse:
    """Ask DVC what a study would run in a checkout.

    For other settings than the checkout's own the question is put in a temporary copy of code and settings;
    data there are taken to be as the last run left them.

    Args:
        study: The settings.
        root: The checkout.
    """
    try:
        own = root / PARAMS_FILE
        if own.is_file() and read_params(own) == study.params:
            return _asked(root, _changed_entries(study, root), data_there=True)
        with tempfile.TemporaryDirectory(prefix="pathgen-plan-") as name:
            folder = Path(name)
            for part in PACKAGES:
                shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            for file in (PIPELINE_FILE, _LOCK):
                if (root / file).is_file():
                    shutil.copy2(root / file, folder / file)
            shutil.copy2(study.file, folder / PARAMS_FILE)
            # As the check would write them; DVC compares them with what the last run depended on.
            for entry, content in _entries(study).items():
                write_json(folder / entry, content)
            new_project(folder)
            return _asked(folder, set(), data_there=False)
    except PathgenError as problem:
        return Reuse(frozenset(), frozenset(), problem)


def _entries(study: Study) -> dict[Path, Any]:
    classifiers = study.params["train_classifier"]["classifiers"]
    networks = {name: classifiers[name]["network"] for name in study.params["pipeline"]["classifiers"]}
    return manifests({"classifiers": networks})


def _changed_entries(study: Study, root: Path) -> set[str]:
    """Return the files with hashes of code that the check would write otherwise than they are in a checkout.

    Absent ones are not among them: of these DVC itself tells.
    """
    changed = set()
    for entry, content in _entries(study).items():
        try:
            there = json.loads((root / entry).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except ValueError:
            there = None  # Damaged: it would be written again.
        if there != content:
            changed.add(entry.as_posix())
    return changed


def _readers(project: Any, files: set[str]) -> set[str]:
    if not files:
        return set()
    stages = project.stage.load_all(str(Path(project.root_dir) / PIPELINE_FILE))
    return {stage.name for stage in stages if files & {dep.def_path for dep in stage.deps}}


def _asked(folder: Path, changed_entries: set[str], *, data_there: bool) -> Reuse:
    with open_project(folder) as project:
        states = stage_states(project)
        readers = _readers(project, changed_entries)
    changed = readers | {
        name
        for name, state in states.items()
        if (state.changes if data_there else has_changed(state.changes))
    }
    return Reuse(frozenset(states), downstream({name: states[name].reads_from for name in states}, changed))


def has_changed(found: Mapping[str, Any]) -> bool:
    """Tell whether more has changed about a stage than that its data are not here.

    Args:
        found: DVC's account of one stage: ``changed deps``, ``changed outs``, ``changed command``.
    """
    inputs = found.get("changed deps", {})
    others = set(found) - {"changed deps", "changed outs"}
    return bool(others) or any(how != "deleted" for how in inputs.values())


def downstream(graph: Mapping[str, tuple[str, ...]], changed: set[str]) -> frozenset[str]:
    """Return the changed stages and all that read what these write, directly or not.

    Args:
        graph: Stage to the stages whose outputs it reads.
        changed: Stages that run in any case.
    """
    found = set(changed) & set(graph)
    while True:
        reached = found - {_CHECK}
        more = {name for name in set(graph) - found if reached & set(graph[name])}
        if not more:
            return frozenset(found)
        found |= more
