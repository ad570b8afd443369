"""What README, CONTRIBUTING and docs/ name: links, files, commands, stages and settings that exist."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from pathgen.cli import app
from pathgen.core.profiles import profile_names, read_profile
from pathgen.report import reference_results
from pathgen.results.headline_record import Headline, HeadlineRow
from pathgen.results.verdict_record import Verdict
from pathgen.run_matrix import REGIMES, regime_name
from pathgen.validation import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMES = {page: page.relative_to(ROOT).as_posix() for page in PAGES}
# A path from the root of the repository; {name}, x and NAME stand for any name.
_FILE = re.compile(r"(?<![\w/])(?:pathgen|stages|tests|scripts|benchmarks|profiles|docs)/[\w./*{}-]+")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_in(page: Path) -> list[str]:
    """Return the code spans and the lines of the code blocks of a page."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```(?:sh|text)?\n(.*?)^ *```", text, re.S | re.M)
    return re.findall(r"`([^`\n]+)`", text) + [
        line.strip() for block in blocks for line in block.splitlines()
    ]


def named(pattern: str) -> list[tuple[str, str]]:
    """Return page and first group for every code span or line that the pattern begins."""
    return [(NAMES[p], m[1]) for p in PAGES for code in code_in(p) if (m := re.match(pattern, code))]


def check_links(*paths: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "scripts" / "check_links.py"), *map(str, paths)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_links_of_all_pages_lead_somewhere() -> None:
    found = check_links(*TOP, "docs")
    assert found.returncode == 0, found.stdout + found.stderr


def test_check_links_names_a_dead_link(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](gone.md) [c](#nowhere)\n")
    found = check_links(page)
    assert found.returncode == 1
    assert [line.split(": ")[1] for line in found.stdout.splitlines()] == ["gone.md", "#nowhere"]


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    fetched = re.compile(r"""(?:src|href)=["']https?://[^"']+\.(?:js|css|woff2?)""")
    assert not [page for page in (tmp_path / "site").rglob("*.html") if fetched.search(page.read_text())]


def test_pages_use_the_terms_of_the_field() -> None:
    # codespell checks single words; these are phrases.
    phrases = re.compile(r"by heart|cannot be told|told apart|be told from|has to say|wants a ", re.I)
    assert [(NAMES[p], m[0]) for p in PAGES for m in phrases.finditer(p.read_text(encoding="utf-8"))] == []


def test_named_files_exist() -> None:
    # The walk-throughs add these files.
    examples = re.findall(r"^\*\*\d\. .*?`([\w./]+\.py)`", text_of("CONTRIBUTING.md"), re.M)
    files = {(NAMES[page], file) for page in PAGES for code in code_in(page) for file in _FILE.findall(code)}
    assert [
        (page, file)
        for page, file in sorted(files)
        if file not in examples
        and not any(ROOT.glob(re.sub(r"\{[^}]*\}|\bx\b|\bNAME\b", "*", file.rstrip("./"))))
    ] == []


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (r"make (?:PYTHON=\S+ )?([a-z-]+)", re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M)),
        (r"pathgen ([a-z]+)", getattr(get_command(app), "commands", ())),
        (r"pathgen params ([a-z0-9-]+)", profile_names()),
        (r"dvc repro ([a-z_]{2,})", YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]),
        (r"mlflow run \. .*-e (\w+)", YAML(typ="safe").load(ROOT / "MLproject")["entry_points"]),
    ],
    ids=["make", "pathgen", "profile", "dvc", "mlflow"],
)
def test_named_commands_exist(pattern: str, known: list[str]) -> None:
    found = named(pattern)
    assert found and [pair for pair in found if pair[1] not in known] == []


def test_cli_summaries_fit_a_terminal() -> None:
    commands = getattr(get_command(app), "commands", {})
    summaries = {name: command.get_short_help_str(200) for name, command in commands.items()}
    assert summaries and {name: text for name, text in summaries.items() if len(text) > 60} == {}


def test_named_modules_exist() -> None:
    modules = named(r"(?:\S+=\S+ )*python -m (\w+(?:\.\w{2,})?)\b")
    assert modules and [pair for pair in modules if find_spec(pair[1]) is None] == []


def _accuracy(row: HeadlineRow) -> str:
    one = row.metrics["accuracy"]
    return f"{one.mean:.3f}" if one.low is None else f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})"


def test_readme_is_short_and_shows_the_numbers_of_the_studies() -> None:
    readme, results = text_of("README.md"), text_of("docs/results.md")
    (table,) = re.findall(r"<!-- results -->\n(.*?)<!-- /results -->", readme, re.S)
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines()[2:]]
    kept = ROOT / "docs/studies/pcam-study"
    numbers, verdict = Headline.load(kept / "results.json"), Verdict.load(kept / "verdict.json")
    (one,) = verdict.generators
    by_regime = (numbers.__pydantic_extra__ or {})[one.classifier]
    baseline = (numbers.__pydantic_extra__ or {})["mean_colour"]["original"]
    regimes = (*REGIMES[:1], *(regime_name(regime, one.generator) for regime in REGIMES[1:]))
    assert one.alone is not None and one.added is not None and one.private is not None
    outcomes = (one.alone.outcome, one.added.outcome, one.private.outcome)
    expected = [*(_accuracy(by_regime[name]) for name in regimes), _accuracy(baseline), *outcomes]
    assert [row[2] for row in rows] == expected
    # The other columns: the paper's, and those of the default study as on the page of results.
    published = [reference_results.published(regime, "dcgan", "cnn6")["accuracy"] for regime in REGIMES]
    assert [row[1] for row in rows[:3]] == [f"{value:.2f}" for value in published]
    assert [row[3] for row in rows if row[3] not in results] == []
    page = (kept / "results.md").read_text(encoding="utf-8")
    assert "\n".join(line for line in page.splitlines() if line.startswith("|")) in results
    assert len(readme.splitlines()) <= 200


def test_profiles_page_lists_all_profiles_and_sections() -> None:
    page = text_of("docs/profiles.md")
    assert [name for name in (*profile_names(), *SECTIONS) if f"`{name}`" not in page] == []


def test_pipeline_page_lists_all_stages() -> None:
    stages = set(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
    assert set(re.findall(r"^\| `([a-z_]+)[@`]", text_of("docs/pipeline.md"), re.M)) == stages


def test_mlproject_has_an_entry_point_per_stage() -> None:
    commands = [one["command"] for one in YAML(typ="safe").load(ROOT / "MLproject")["entry_points"].values()]
    asked = {re.split(r"[@ ]", command.removeprefix("dvc repro "))[0] for command in commands}
    assert set(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]) - asked == set()


def test_decision_on_default_profile_states_its_values() -> None:
    params = read_profile("phantom")
    rows = re.findall(
        r"^\| `([a-z0-9_.]+)` \| `?([^ |`]+)",
        text_of("docs/decisions/0005-phantom-and-default-profile.md"),
        re.M,
    )
    assert len(rows) >= 7
    for name, stated in rows:
        value = params
        for part in name.split("."):
            value = value[part]
        assert str(value) == stated, name


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    listed = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    names = [re.split(r"[<>=~! \[;]", requirement)[0] for requirement in listed]
    page = text_of("docs/decisions/0002-dependencies.md")
    assert [name for name in names if f"`{name}`" not in page] == []
