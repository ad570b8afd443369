"""The page: complete in itself, the same bytes every time, honest about what was not run."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fabricated import report_on

from pathgen.core.errors import PathgenError

_VOID = {"meta", "link", "img", "br"}


class _Elements(HTMLParser):
    """All elements with their attributes; fails when one is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag


def text_of(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


def test_page_refers_to_nothing_outside(report: Path) -> None:
    elements = _Elements(text_of(report)).found
    targets = [
        value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert len(targets) > 20
    assert [target for target in targets if target is None or not target.startswith(("#", "data:"))] == []
    assert not re.search(r"url\(|@import|<script", text_of(report))


def test_every_link_has_its_place_and_every_picture_its_text(report: Path) -> None:
    elements = _Elements(text_of(report)).found
    places = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(places) == len(set(places))
    links = [attributes["href"] for tag, attributes in elements if tag == "a"]
    assert links[0] == "#main"
    assert {str(link)[1:] for link in links} <= set(places)
    pictures = [attributes for tag, attributes in elements if tag == "img"]
    # 1 of cost and privacy, 2 result plots, 3 confusion matrices, 4 grids, 4 overlays, 3 + 2 training plots,
    # 1 of differences, 1 of reliability, 2 of privacy, 3 studies
    assert len(pictures) == 26
    assert all(attributes["alt"] and attributes["width"] and attributes["height"] for attributes in pictures)


def test_page_says_answer_table_settings_and_what_was_skipped(report: Path) -> None:
    text = text_of(report)
    for words in (
        "percentage points",
        "<dt>kimg</dt>",
        "read off the fitted curves",
        '<th role="columnheader" scope="col">training</th>',
        "drawn from the 2 test slides",
        "below it the classifier is too sure",
        "McNemar’s tests of single trainings",
        "called what they were made for",
        "trained on synthetic, asked about original",
        "A made-up law holds.",
        "A made-up cost of privacy.",
        "Nothing is proven of the patches of dcgan",
        "Twenty made-up trials.",
        "chosen (tumour: discriminator, best of 4)",
        "code (pathgen, stages)",
        "models/gan/dcgan-tumor/generator.safetensors",
        "scikit-learn",
        "paper 0.78",
        "made_up_test_002",
        "Source of the patches: phantom · 5 slides",
        "truncated: &lt;the last&gt; 3 tiles are missing",
        "no &lt;tissue&gt; was found",
        "floor 0.8 (0.7 to 0.9)",
        "tumour: 70 synthetic patches were made up.",
        "expected 0.5",
        "at most 60",
        "found by 1 of 2 tests",
        "Of 1 trial all came out as they must",
        "no leakage was found by these made-up tests",
        "title: A &lt;made-up&gt; study",
        "Not comparable with the paper",
        "dvc repro",
    ):
        assert words in text, words
    assert "<made-up>" not in text


def test_hashes_are_those_of_the_files(study: Path, report: Path) -> None:
    from pathgen.core.files import sha256_of

    assert sha256_of(study / "data" / "patches" / "train" / "patches.npy") in text_of(report)


def test_json_and_markdown_agree_with_the_runs(study: Path, report: Path) -> None:
    table = json.loads((report / "results.json").read_text())
    single = [
        json.loads(path.read_text())["accuracy"]
        for path in sorted((study / "results" / "evaluate").glob("original-*/metrics.json"))
    ]
    mean = table["cnn6"]["original"]["accuracy"]["mean"]
    assert mean == pytest.approx(sum(single) / 3)
    assert f"{mean:.3f} (" in (report / "results.md").read_text()
    assert f'<span class="mean">{mean:.3f}</span>' in text_of(report)


def test_same_inputs_give_the_same_bytes(study: Path, report: Path, tmp_path: Path) -> None:
    again = report_on(study, tmp_path / "again")
    names = sorted(path.name for path in report.iterdir())
    numbers = ["results.json", "results.md", "runs.csv", "tradeoff.csv", "tradeoff.json"]
    assert names == ["index.html", *numbers]
    for name in names:
        assert (again / name).read_bytes() == (report / name).read_bytes(), name


@pytest.fixture
def unplotted(study: Path, tmp_path: Path) -> Path:
    """A study without results to plot, which takes the time."""
    shutil.copytree(study / "data", tmp_path / "unplotted" / "data")
    shutil.copytree(study / "results" / "privacy", tmp_path / "unplotted" / "results" / "privacy")
    return tmp_path / "unplotted"


def test_page_without_patient_pictures_has_none(unplotted: Path, tmp_path: Path) -> None:
    shown = _Elements(text_of(report_on(unplotted, tmp_path / "shown"))).found
    assert sum(tag == "img" for tag, _ in shown) == 10
    elements = _Elements(text_of(report_on(unplotted, tmp_path / "out", patient_pictures=False))).found
    alts = [str(attributes["alt"]) for tag, attributes in elements if tag == "img"]
    assert len(alts) == 3  # neither original grids (2) nor overlays (4) nor the gallery (1)
    assert not any(
        word in alt for alt in alts for word in ("riginal normal", "riginal tumour", "Slide", "allery")
    )


def test_real_sources_are_marked_as_not_for_release(unplotted: Path, tmp_path: Path) -> None:
    from pathgen.patches.parquet import read_table, write_table

    assert "Not for release" not in text_of(report_on(unplotted, tmp_path / "drawn"))
    cohort = read_table(unplotted / "data" / "cohort.parquet").assign(source="slides")
    write_table(cohort, unplotted / "data" / "cohort.parquet")
    assert "Not for release" in text_of(report_on(unplotted, tmp_path / "shown"))
    assert "Not for release" not in text_of(
        report_on(unplotted, tmp_path / "left_out", patient_pictures=False)
    )


def test_only_the_page_with_pictures_leads_to_the_original_slides(unplotted: Path, tmp_path: Path) -> None:
    link = 'href="cohort/index.html"'
    assert link not in text_of(report_on(unplotted, tmp_path / "without"))
    survey = unplotted / "report" / "cohort" / "index.html"
    survey.parent.mkdir(parents=True)
    survey.write_text("the cohort")
    shown = text_of(report_on(unplotted, tmp_path / "shown"))
    assert link in shown and "need the study’s folder" in shown and "in the study’s folder alone" in shown
    assert link not in text_of(report_on(unplotted, tmp_path / "left_out", patient_pictures=False))


def test_empty_project_gives_a_page_that_says_not_run(tmp_path: Path) -> None:
    out = report_on(tmp_path / "nothing", tmp_path / "out")
    text = text_of(out)
    _Elements(text)
    assert text.count("Not run.") == 13
    assert "was not measured" in text
    assert json.loads((out / "results.json").read_text()) == {}
    assert json.loads((out / "tradeoff.json").read_text()) == {}


def test_damaged_input_leaves_the_old_report_alone(unplotted: Path, tmp_path: Path) -> None:
    root, out = unplotted, tmp_path / "out"
    report_on(root, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (root / "data" / "index" / "overlays" / "made_up_001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PathgenError, match=r"made_up_001\.png: not readable as a picture"):
        report_on(root, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_the_level_of_the_intervals_is_that_of_the_comparison(study: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    shutil.copytree(study, root)
    file = root / "results" / "comparison" / "comparison.json"
    found = json.loads(file.read_text())
    found["test"]["confidence"] = 0.9
    file.write_text(json.dumps(found))
    # The report itself is asked for 95 %.
    out = report_on(root, tmp_path / "out")
    for text in (text_of(out), (out / "results.md").read_text(encoding="utf-8")):
        assert "90% interval" in text
        assert "95% interval" not in text
    file.unlink()
    assert "(95% interval of the mean)" in (report_on(root, out) / "results.md").read_text(encoding="utf-8")


def test_what_no_test_proves_is_said_where_nothing_is_known_to_be_proven(
    unplotted: Path, tmp_path: Path
) -> None:
    caveat = "No test proves it."
    file = unplotted / "results" / "privacy" / "dcgan" / "metrics.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"caveat": caveat}))
    assert text_of(report_on(unplotted, tmp_path / "unknown")).count(caveat) == 1
    card = unplotted / "models" / "gan" / "dcgan-tumor" / "model.json"
    card.parent.mkdir(parents=True)
    card.write_text("{}")
    told = text_of(report_on(unplotted, tmp_path / "known"))
    assert caveat not in told and "Nothing is proven of the patches of dcgan" in told


def test_prose_calls_the_class_by_its_word_and_every_generator_is_explained(report: Path) -> None:
    from pathgen.report.glossary import WORDS
    from pathgen.run_matrix import JOINT, PER_CLASS

    text = re.sub(r"<style>.*?</style>|<pre.*?</pre>|<code>.*?</code>", "", text_of(report), flags=re.S)
    prose = re.sub(r"<[^>]*>", "\n", re.sub(r'alt="([^"]*)"', r">\1<", text))
    # Names of files and folders keep the label.
    assert re.findall(r"(?<![-\w/])tumor(?![-\w/])", prose) == []
    assert {*PER_CLASS, *JOINT} <= {word for words in WORDS for word in words.split(", ")}


def test_a_plot_of_the_audit_is_shown_as_lines_where_it_is_there_so(unplotted: Path, tmp_path: Path) -> None:
    def kinds(out: Path) -> dict[str, str]:
        pictures = [attributes for tag, attributes in _Elements(text_of(out)).found if tag == "img"]
        sources = {str(one["alt"]).partition(":")[0]: str(one["src"]) for one in pictures}
        names = ("How closely synthetic patches resemble real ones", "Closest pairs")
        return {name: sources[name].partition(";")[0] for name in names}

    plotted = kinds(report_on(unplotted, tmp_path / "plotted"))
    assert list(plotted.values()) == ["data:image/svg+xml", "data:image/png"]
    (unplotted / "results" / "privacy" / "dcgan" / "pictures" / "correlation-tumor.svg").unlink()
    earlier = kinds(report_on(unplotted, tmp_path / "earlier"))
    assert list(earlier.values()) == ["data:image/png", "data:image/png"]
