"""Apply a walk-through of CONTRIBUTING.md to a copy of the package and run a script with it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pathgen.provenance.code_hash import PACKAGES, code_manifest, stage_scripts

ROOT = Path(__file__).resolve().parents[2]


def apply_chapter(title: str, target: Path) -> None:
    """Copy the package and change it as a chapter says (see `edit_by_chapter`)."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, target / package, ignore=ignored)
    edit_by_chapter(title, target)


def edit_by_chapter(title: str, checkout: Path) -> list[str]:
    """Change a checkout as a chapter says.

    A Python block is the content of the file named in the paragraph before it. A diff block belongs to the
    file named before it; each added line is inserted after the line above it in the block.

    Args:
        title: Heading of the chapter.
        checkout: Folder that holds ``pathgen``.

    Returns:
        Paths of the new files.
    """
    chapter = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split(f"## {title}\n")[1]
    blocks = re.findall(
        r"`(pathgen/[^`]+\.py)`[^`]*?\n```(python|diff)\n(.*?)```", chapter.split("\n## ")[0], re.S
    )
    assert blocks, f"no code in chapter {title}"
    created = []
    for file, kind, block in blocks:
        path = checkout / file
        if kind == "python":
            assert not path.exists(), f"{file} exists"
            path.write_text(block, encoding="utf-8")
            created.append(file)
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        at = 0
        for line in block.splitlines():
            if line.startswith("+"):
                lines.insert(at, line[1:])
                at += 1
            elif line.startswith(" "):
                at = lines.index(line[1:], at) + 1
        path.write_text("\n".join(lines), encoding="utf-8")
    return created


def changed_stages(checkout: Path) -> set[str]:
    """Return the stages whose code in a checkout differs from the code here."""
    return {
        name
        for name in stage_scripts()
        if code_manifest(f"stages.{name}") != code_manifest(f"stages.{name}", root=checkout)
    }


def run_script(script: str, checkout: Path) -> str:
    """Run Python code with the package of a checkout and return its standard output."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
