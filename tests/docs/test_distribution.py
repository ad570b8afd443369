"""Nothing installs the package that has the name pathgen on PyPI, which is a stranger's."""

import re
import tomllib

import pytest

from pathgen.provenance.code_hash import ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_FOREIGN = re.compile(
    r"""(?:pip|uv|pipx)\ install[^\n]*?[\ '"=]pathgen(?![-\w/.])  # a command
    |\bpathgen\[                                                  # with extras
    |["'(]pathgen\s*[=<>~!]=""",  # a requirement
    re.VERBOSE,
)
_FILES = [
    path
    for pattern in ("*.md", "*.toml", "*.yaml", "Makefile", "MLproject", "docs/**/*.md", "[pbs]*/**/*.py")
    for path in sorted(ROOT.glob(pattern))
]


def test_distribution_has_a_name_of_its_own() -> None:
    assert _PROJECT["name"] == "pathgen-suite"
    assert _PROJECT["scripts"] == {"pathgen": "pathgen.cli:main"}


def test_no_page_or_message_names_the_foreign_package() -> None:
    assert len(_FILES) > 300
    found = [str(path) for path in _FILES if _FOREIGN.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ('pip install "pathgen[scale]"', True),
        ("pip install pathgen", True),
        ("pip install --upgrade pathgen==0.1.0", True),
        ("uv pip install 'pathgen'", True),
        ('["pathgen==0.1.0"]', True),
        ("pip install -e '.[scale]'", False),
        ("pip install pathgen-suite", False),
        ("pip install /home/ann/pathgen/.", False),
    ],
)
def test_pattern_knows_a_foreign_requirement(text: str, foreign: bool) -> None:
    assert bool(_FOREIGN.search(text)) is foreign
