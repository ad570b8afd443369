"""DVC does not follow imports: each stage's deps must name every module that can change its outputs."""

import ast
import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parent))
from imports import ROOT, closure

# These only watch, print or word messages; they cannot change what a stage writes (docs/decisions).
WATCHERS = (
    "pathgen/__init__.py",
    "pathgen/errors.py",
    "pathgen/progress.py",
    "pathgen/recording.py",
    "pathgen/tracking",
    "stages/__init__.py",
    "stages/handover.py",
    "stages/runtime.py",
)
NETWORKS = "pathgen/networks"


def stages() -> dict[str, tuple[Path, list[str]]]:
    """Return script and deps of each stage of each DVC pipeline."""
    found = {}
    for file in sorted(ROOT.glob("dvc.yaml")) + sorted(ROOT.glob("*/dvc.yaml")):
        # Of the pipelines in sub-folders all paths are relative to the root, too (wdir).
        where = "" if file.parent == ROOT else f"{file.parent.name}:"
        for name, stage in YAML(typ="safe").load(file)["stages"].items():
            module = re.match(r"python -m (stages\.\w+)", stage["cmd"])
            assert module, f"{where}{name}: the command is not `python -m stages.…`"
            found[where + name] = (Path(*module[1].split(".")).with_suffix(".py"), stage["deps"])
            assert not where or stage["wdir"] == ".."
    return found


def covered(file: Path, entries: list[str] | tuple[str, ...]) -> bool:
    return any(file == Path(entry) or Path(entry) in file.parents for entry in entries)


def is_empty(file: Path) -> bool:
    """Tell whether a module holds nothing but its docstring, as most packages' own do."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def missing(script: Path, deps: list[str], root: Path = ROOT) -> list[str]:
    loaded = [file for file in closure(script, root) if not is_empty(root / file)]
    return sorted(str(file) for file in loaded if not covered(file, deps) and not covered(file, WATCHERS))


@pytest.mark.parametrize("name", stages())
def test_deps_name_every_module_the_stage_loads(name: str) -> None:
    script, deps = stages()[name]
    assert (ROOT / script).is_file()
    assert missing(script, deps) == []


@pytest.mark.parametrize("name", stages())
def test_deps_name_no_code_the_stage_does_not_load(name: str) -> None:
    script, deps = stages()[name]
    loaded = closure(script)
    # Networks are loaded by name; a search may train any of them.
    code = [entry for entry in deps if entry.startswith(("pathgen", "stages")) and entry != NETWORKS]
    needless = [entry for entry in code if not any(covered(file, [entry]) for file in loaded)]
    assert needless == []


def test_a_missing_module_is_noticed(tmp_path: Path) -> None:
    for file, text in {
        "stages/__init__.py": "",
        "stages/cut.py": "def main():\n    from pathgen.knife import sharpen\n",
        "pathgen/__init__.py": "",
        "pathgen/knife.py": "import pathgen.stone\n",
        "pathgen/stone.py": "HARDNESS = 7\n",
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    found = missing(Path("stages/cut.py"), ["stages/cut.py", "pathgen/knife.py"], tmp_path)
    assert found == ["pathgen/stone.py"]
