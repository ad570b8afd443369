"""Fail when a Markdown file of the project links to a file or heading that does not exist."""

import re
import sys
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


def _inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens if token.type == "inline" for child in token.children or []]


def anchors(document: Path) -> set[str]:
    """Return the anchors that headings of a Markdown file get on a code host."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(document.read_text(encoding="utf-8"))
    found = set()
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            text = "".join(child.content for child in content.children or [])
            found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


def dead_links(document: Path) -> list[str]:
    """Return one line per relative link or picture of `document` that leads nowhere."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(document.read_text(encoding="utf-8"))
    dead = []
    for token in _inline(tokens):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists():
            dead.append(f"{document}: {target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            dead.append(f"{document}: {target}: no such heading")
    return dead


def main(arguments: list[str]) -> int:
    """Check the named files, and all Markdown files of named folders."""
    documents: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        documents += sorted(path.rglob("*.md")) if path.is_dir() else [path]
    dead = [line for document in documents for line in dead_links(document)]
    print("\n".join(dead) if dead else f"links: {len(documents)} documents, none dead")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
