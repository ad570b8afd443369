"""The page: self-contained, the same bytes every time, without patients' pictures when asked."""

import json
import re
import shutil
from pathlib import Path

import pytest
from factories.audits import audit
from factories.golden import Elements, check_golden, check_links, text_of_page
from factories.study import report_on

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of
from pathgen.patches.parquet import read_table, write_table


def text_of(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


def test_page_of_a_whole_study_is_the_golden_one(report: Path) -> None:
    check_golden("report.txt", text_of_page(text_of(report)))
    check_golden("results.md", (report / "results.md").read_text(encoding="utf-8"))


def test_page_refers_to_nothing_outside(report: Path) -> None:
    elements = Elements(text_of(report)).found
    targets = [
        value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert len(targets) > 20
    assert [target for target in targets if target is None or not target.startswith(("#", "data:"))] == []
    assert not re.search(r"url\(|@import|<script", text_of(report))
    assert "<made-up>" not in text_of(report)


def test_page_links_have_targets_and_pictures_have_text(report: Path) -> None:
    check_links(report / "index.html")
    elements = Elements(text_of(report))
    assert elements.of("a")[0]["href"] == "#main" and all(one["alt"] for one in elements.of("img"))


def test_page_hashes_are_those_of_the_files(study: Path, report: Path) -> None:
    assert sha256_of(study / "data" / "patches" / "train" / "patches.npy") in text_of(report)


def test_results_json_has_the_mean_of_the_runs(study: Path, report: Path) -> None:
    files = sorted((study / "results" / "evaluate").glob("original-*/metrics.json"))
    mean = pytest.approx(sum(json.loads(file.read_text())["accuracy"] for file in files) / 3)
    table = json.loads((report / "results.json").read_text())
    assert table["cnn6"]["original"]["accuracy"]["mean"] == mean


def test_report_of_equal_inputs_has_equal_bytes(study: Path, report: Path, tmp_path: Path) -> None:
    again = report_on(study, tmp_path / "again")
    names = sorted(path.name for path in report.iterdir())
    numbers = ["results.json", "results.md", "runs.csv", "studies.json", "tradeoff.csv", "tradeoff.json"]
    assert names == ["index.html", *numbers]
    for name in names:
        assert (again / name).read_bytes() == (report / name).read_bytes(), name


@pytest.fixture
def unplotted(study: Path, tmp_path: Path) -> Path:
    """A study without classifiers, whose plots take time."""
    root = tmp_path / "unplotted"
    shutil.copytree(study / "data", root / "data")
    for folder in ("privacy", "comparison"):
        shutil.copytree(study / "results" / folder, root / "results" / folder)
    shutil.copy(study / "results" / "baseline.json", root / "results")
    shutil.copy(study / "params.yaml", root)
    return root


def test_page_without_patient_pictures_shows_no_original(unplotted: Path, tmp_path: Path) -> None:
    def alts(out: Path) -> set[str]:
        return {str(attributes["alt"]) for attributes in Elements(text_of(out)).of("img")}

    shown = alts(report_on(unplotted, tmp_path / "shown"))
    left = alts(report_on(unplotted, tmp_path / "left_out", patient_pictures=False))
    assert left == {alt for alt in shown if alt.startswith(("Sheet of 64 syn", "Correlation", "Differ"))}
    assert {alt.split()[0] for alt in shown - left} == {"Sheet", "Slide", "Closest"}


def test_page_of_real_slides_is_marked_not_for_release(unplotted: Path, tmp_path: Path) -> None:
    marks = ("Not for release", 'href="cohort/index.html"')

    def marked(**settings: bool) -> list[bool]:
        text = text_of(report_on(unplotted, tmp_path / "out", **settings))
        return [mark in text for mark in marks]

    assert marked() == [False, False]
    cohort = read_table(unplotted / "data" / "cohort.parquet").assign(source="slides")
    write_table(cohort, unplotted / "data" / "cohort.parquet")
    survey = unplotted / "report" / "cohort" / "index.html"
    survey.parent.mkdir(parents=True)
    survey.write_text("the cohort")
    assert marked() == [True, True]
    assert marked(patient_pictures=False) == [False, False]


def test_damaged_input_leaves_the_old_report(unplotted: Path, tmp_path: Path) -> None:
    root, out = unplotted, tmp_path / "out"
    report_on(root, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (root / "data" / "index" / "overlays" / "made_up_001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PathgenError) as raised:
        report_on(root, out)
    assert raised.value.subject.endswith("made_up_001.png")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_caveat_of_the_audit_is_shown_without_a_checkpoint(unplotted: Path, tmp_path: Path) -> None:
    audit().save(unplotted / "results" / "privacy" / "dcgan" / "1" / "metrics.json")
    caveat = "No test proves it."
    assert caveat in text_of(report_on(unplotted, tmp_path / "unknown"))
    card = unplotted / "models" / "gan" / "dcgan" / "1" / "tumor" / "model.json"
    card.parent.mkdir(parents=True)
    card.write_text('{"health": {"state": "converged", "spread_ratio": 0.9}}')
    assert caveat not in text_of(report_on(unplotted, tmp_path / "known"))


def test_prose_writes_tumour_and_explains_every_generator(report: Path) -> None:
    text = re.sub(r"<style>.*?</style>|<pre.*?</pre>|<code>.*?</code>", "", text_of(report), flags=re.S)
    prose = re.sub(r"<[^>]*>", "\n", re.sub(r'alt="([^"]*)"', r">\1<", text))
    # Names of files and folders keep the label.
    assert re.findall(r"(?<![-\w/])tumor(?![-\w/])", prose) == []
    assert "<dt>dcgan</dt><dd>a &lt;made-up&gt; network</dd>" in text
