"""DVC does not follow imports: each stage depends on the hashes of all code that can change its outputs."""

import hashlib
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import pathgen
from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.provenance import code_hash
from pathgen.provenance.code_hash import ROOT, code_of, require_unchanged, stage_scripts

# Loaded by name, of which a search may train any; and the page that states the hash of all code.
WHOLE_FOLDERS = {"tuning:tune": ["pathgen/classifier/networks"], "report": ["pathgen", "stages"]}

# What trains the points that a last stage puts together; it writes down from which code they are.
POINTS = {
    "scaling:curve": ["scaling_original", "scaling_synthetic"],
    "dp_sweep:curve": ["dp_point"],
    "tuning:tune": ["train_classifier", "synthesise"],
}


def stages() -> dict[str, tuple[str, list[str]]]:
    """Return script and deps of each stage of each DVC pipeline."""
    found = {}
    for file in sorted(ROOT.glob("dvc.yaml")) + sorted(ROOT.glob("*/dvc.yaml")):
        # Of the pipelines in sub-folders all paths are relative to the root, too (wdir).
        where = "" if file.parent == ROOT else f"{file.parent.name}:"
        for name, stage in YAML(typ="safe").load(file)["stages"].items():
            module = re.match(r"python -m stages\.(\w+)", stage["cmd"])
            assert module, f"{where}{name}: the command is not `python -m stages.…`"
            found[where + name] = (module[1], stage["deps"])
            assert not where or stage["wdir"] == ".."
    return found


@pytest.mark.parametrize("name", sorted(set(stages()) - {"check_params"}))
def test_a_stage_depends_on_the_hashes_of_its_own_code(name: str) -> None:
    script, deps = stages()[name]
    entries = [f"data/code/{stage}.json" for stage in [*POINTS.get(name, []), script]]
    assert [dep for dep in deps if dep.startswith("data/code")] == entries
    assert [dep for dep in deps if dep.startswith(("pathgen", "stages"))] == WHOLE_FOLDERS.get(name, [])


def test_the_stage_that_takes_the_hashes_depends_on_all_code() -> None:
    assert {"pathgen", "stages"} <= set(stages()["check_params"][1])


def test_hashes_are_taken_of_each_stage_and_of_nothing_else() -> None:
    scripts = {script for script, _ in stages().values()} - {"check_params"}
    assert {file.stem for file in stage_scripts()} == scripts


def write(root: Path, files: dict[str, str]) -> None:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)


def toy(root: Path) -> dict[str, str]:
    """Write a project of one stage; return all hashes of its code."""
    write(
        root,
        {
            "stages/__init__.py": "HIDDEN = 1\n",
            "stages/cut.py": "import pathgen.core.progress\n"
            "def main():\n    from pathgen.tools.knife import go\n",
            "pathgen/__init__.py": "HIDDEN = 1\n",
            "pathgen/core/progress.py": "import pathgen.tools.bar\n",
            "pathgen/tools/__init__.py": '"""Says nothing else."""\n',
            "pathgen/tools/bar.py": "WIDTH = 7\n",
            "pathgen/tools/knife.py": "import numpy, pathgen.tools.stone as stone\n",
            "pathgen/tools/stone.py": "HARDNESS = 7\n",
            "pathgen/tools/page.html.j2": "<p>",
            "pathgen/tools/notes.txt": "read by nobody",
            "pathgen/other.py": "LEFT = 1\n",
        },
    )
    return code_of(Path("stages/cut.py"), root)


def test_the_code_of_a_stage_is_all_that_it_imports(tmp_path: Path) -> None:
    found = toy(tmp_path)
    files = [
        "pathgen/tools/knife.py",
        "pathgen/tools/page.html.j2",
        "pathgen/tools/stone.py",
        "stages/cut.py",
    ]
    assert list(found) == files
    stone = (tmp_path / "pathgen/tools/stone.py").read_bytes()
    assert found["pathgen/tools/stone.py"] == hashlib.sha256(stone).hexdigest()


def test_a_package_that_does_something_when_it_is_loaded_counts(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"pathgen/tools/__init__.py": '"""Starts."""\nprint(1)\n'})
    assert "pathgen/tools/__init__.py" in code_of(Path("stages/cut.py"), tmp_path)


def test_code_that_changes_while_the_pipeline_runs_is_not_run(tmp_path: Path) -> None:
    entry = tmp_path / "cut.json"
    write_json(entry, {"code": toy(tmp_path)})
    require_unchanged(entry, tmp_path)
    write(tmp_path, {"pathgen/other.py": "LEFT = 2\n", "pathgen/core/progress.py": "FAST = True\n"})
    require_unchanged(entry, tmp_path)
    write(tmp_path, {"pathgen/tools/stone.py": "HARDNESS = 8\n"})
    with pytest.raises(PathgenError, match=r"stone\.py.*has changed.*single-item check_params"):
        require_unchanged(entry, tmp_path)
    (tmp_path / "pathgen/tools/stone.py").unlink()
    with pytest.raises(PathgenError, match=r"stone\.py"):
        require_unchanged(entry, tmp_path)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_hashes_that_cannot_be_read_are_asked_for(tmp_path: Path, text: str | None) -> None:
    entry = tmp_path / "cut.json"
    if text is not None:
        entry.write_text(text)
    with pytest.raises(PathgenError, match="single-item check_params"):
        require_unchanged(entry, tmp_path)


def test_a_module_that_is_no_python_is_named(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"pathgen/tools/stone.py": "HARDNESS = = 7\n"})
    with pytest.raises(PathgenError, match=r"pathgen/tools/stone\.py.*line 1"):
        code_of(Path("stages/cut.py"), tmp_path)


def test_a_folder_comes_before_a_module_of_its_name_as_in_python(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"pathgen/tools/stone/__init__.py": "HARDNESS = 9\n"})
    assert "pathgen/tools/stone/__init__.py" in code_of(Path("stages/cut.py"), tmp_path)


def test_no_stage_takes_what_only_other_programs_are_offered() -> None:
    # Names of pathgen/__init__.py are loaded by name when they are first asked for.
    files = [file for part in ("pathgen", "stages") for file in (ROOT / part).rglob("*.py")]
    public = {f"pathgen.{name}" for name in pathgen.__all__}
    assert not [file for file in files if public & set(code_hash.imported_names(file.read_bytes()))]


def test_what_lies_beside_code_is_known() -> None:
    others = {
        file.suffix
        for file in (ROOT / "pathgen").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert others - {".py", ".pyi", ".typed"} == code_hash._TEMPLATES
