"""Manifests of code: which files a stage or plugin depends on."""

import hashlib
import json
from pathlib import Path

import pytest

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.provenance.code_hash import (
    PLUGINS,
    ROOT,
    check_unchanged,
    code_manifest,
    import_closure,
    write_manifests,
)


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
            "pathgen/tools/__init__.py": '"""Only a docstring."""\n',
            "pathgen/tools/bar.py": "WIDTH = 7\n",
            "pathgen/tools/knife.py": "import numpy, pathgen.tools.stone as stone\n",
            "pathgen/tools/stone.py": "HARDNESS = 7\n",
            "pathgen/tools/page.html.j2": "<p>",
            "pathgen/tools/sections/part.html.j2": "<p>",
            "pathgen/tools/notes.txt": "not code",
            "pathgen/other.py": "LEFT = 1\n",
        },
    )
    return code_manifest("stages.cut", root=root)


def test_code_manifest_holds_all_imports_and_templates(tmp_path: Path) -> None:
    found = toy(tmp_path)
    files = [
        "pathgen/tools/__init__.py",
        "pathgen/tools/knife.py",
        "pathgen/tools/page.html.j2",
        "pathgen/tools/sections/part.html.j2",
        "pathgen/tools/stone.py",
        "stages/cut.py",
    ]
    assert list(found) == files
    stone = (tmp_path / "pathgen/tools/stone.py").read_bytes()
    assert found["pathgen/tools/stone.py"] == hashlib.sha256(stone).hexdigest()


def test_check_unchanged_refuses_edited_code(tmp_path: Path) -> None:
    entry = tmp_path / "cut.json"
    write_json(entry, {"module": "stages.cut", "code": toy(tmp_path)})
    check_unchanged(entry, tmp_path)
    write(tmp_path, {"pathgen/other.py": "LEFT = 2\n", "pathgen/core/progress.py": "FAST = True\n"})
    check_unchanged(entry, tmp_path)
    write(tmp_path, {"pathgen/tools/stone.py": "HARDNESS = 8\n"})
    with pytest.raises(PathgenError, match=r"stone\.py.*has changed.*single-item check_params"):
        check_unchanged(entry, tmp_path)
    (tmp_path / "pathgen/tools/stone.py").unlink()
    with pytest.raises(PathgenError, match=r"stone\.py"):
        check_unchanged(entry, tmp_path)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_check_unchanged_refuses_a_damaged_manifest(tmp_path: Path, text: str | None) -> None:
    entry = tmp_path / "cut.json"
    if text is not None:
        entry.write_text(text)
    with pytest.raises(PathgenError, match="single-item check_params"):
        check_unchanged(entry, tmp_path)


def test_code_manifest_names_a_module_that_does_not_parse(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"pathgen/tools/stone.py": "HARDNESS = = 7\n"})
    with pytest.raises(PathgenError, match=r"pathgen/tools/stone\.py.*line 1"):
        code_manifest("stages.cut", root=tmp_path)


def test_code_manifest_prefers_a_package_as_python_does(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"pathgen/tools/stone/__init__.py": "HARDNESS = 9\n"})
    assert "pathgen/tools/stone/__init__.py" in code_manifest("stages.cut", root=tmp_path)


def test_manifests_hold_scripts_and_plugins(tmp_path: Path) -> None:
    toy(tmp_path)
    write(tmp_path, {"stages/show.py": 'if __name__ == "__main__":\n    pass\n'})
    write(tmp_path, {"pathgen/classifier/networks/mlp.py": "import pathgen.tools.stone\n"})
    write_manifests({"classifiers": {"small": "mlp"}}, tmp_path)
    code = tmp_path / layout.CODE
    assert set(code.rglob("*.json")) == {code / "show.json", code / "classifiers" / "small.json"}
    small = json.loads((code / "classifiers" / "small.json").read_text())
    assert small["module"] == "pathgen.classifier.networks.mlp"
    assert {"pathgen/classifier/networks/mlp.py", "pathgen/tools/stone.py"} <= set(small["code"])


def test_train_classifier_depends_on_no_network() -> None:
    folder = Path(*PLUGINS["classifiers"].split("."))
    found = import_closure(Path("stages/train_classifier.py"), ROOT)
    assert [file for file in found if folder in file.parents and file.name != "__init__.py"] == []
