"""Compare a text with its golden file; PATHGEN_UPDATE_GOLDEN=1 rewrites the files."""

import html
import os
import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"
_VOID = {"meta", "link", "img", "br"}


def check_golden(name: str, text: str) -> None:
    """Fail when a text differs from ``tests/golden/{name}``."""
    file = FOLDER / name
    if os.environ.get("PATHGEN_UPDATE_GOLDEN") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    expected = file.read_text(encoding="utf-8") if file.exists() else ""
    assert text.splitlines() == expected.splitlines(), "PATHGEN_UPDATE_GOLDEN=1 rewrites the file"


def text_of_page(page: str) -> str:
    """Return what a reader of an HTML page sees, one block per line, without hashes and versions."""
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    page = re.sub(r"sha256:[0-9a-f]{64}", "HASH", page)
    page = re.sub(r"<p>Made with Python [^;]*?\. With", "<p>Made with VERSIONS. With", page)
    page = re.sub(r'<img [^>]*alt="([^"]*)"[^>]*>', r"[\1]", page)
    page = re.sub(r"\s+", " ", page)
    page = re.sub(r"</(?:th|td)>", " | ", page)
    page = re.sub(r"</(?:p|tr|h\d|li|dt|dd|figure|figcaption|caption|summary|div|section|dl)>", "\n", page)
    lines = (html.unescape(re.sub(r"<[^>]+>", "", line)).strip() for line in page.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


class Elements(HTMLParser):
    """All elements with their attributes; fails when an element is not closed in its turn."""

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

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def check_links(page: Path) -> None:
    """Fail when a link of a page has no target, or a picture no text, no size or a file of its own."""
    elements = Elements(page.read_text(encoding="utf-8"))
    places = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(places) == len(set(places))
    for link in (attributes["href"] or "" for attributes in elements.of("a")):
        there = (
            link[1:] in places
            if link.startswith("#")
            else (page.parent / urllib.parse.unquote(link)).is_file()
        )
        assert there, link
    for image in elements.of("img"):
        assert image["alt"] is not None and image["width"] and image["height"]
        assert (image["src"] or "").startswith("data:image/")
