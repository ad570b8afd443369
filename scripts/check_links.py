"""Fail if a Markdown file links to a file or a heading that does not exist."""

import re
import sys
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


def parse(document: Path) -> list[Token]:
    """Parse a Markdown file as a code host does."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse(document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """Return the anchors that a code host derives from the headings of a file."""
    pairs = [pair for pair in pairwise(parse(document)) if pair[0].type == "heading_open"]
    titles = ["".join(child.content for child in content.children or []) for _, content in pairs]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(document: Path) -> list[str]:
    """Return one line per relative link or picture of a file that leads nowhere."""
    dead = []
    for token in (child for block in parse(document) for child in block.children or []):
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


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:]]
    documents = [file for path in paths for file in (sorted(path.rglob("*.md")) if path.is_dir() else [path])]
    dead = [line for document in documents for line in dead_links(document)]
    print("\n".join(dead) if dead else f"links: {len(documents)} documents, none dead")
    sys.exit(1 if dead else 0)
