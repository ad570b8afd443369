"""The probe in headless Chromium finds what a keyboard cannot reach."""

from pathlib import Path

import pytest
from factories.chromium import look_at

pytestmark = pytest.mark.browser

_GOOD = (
    '<a href="#here">a link</a><details><summary>more</summary>text</details>'
    '<div id="here" tabindex="0" style="overflow-x:auto;width:90px"><p style="width:900px">wide</p></div>'
)


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ("", None),
        (
            '<div class="scroll" style="overflow:auto;width:90px"><p style="width:900px">wide</p></div>',
            "reach",
        ),
        (
            '<div class="scroll" style="overflow:auto;height:20px"><p style="height:900px">high</p></div>',
            "reach",
        ),
        ('<a href="#here" tabindex="-1">a link that keys pass by</a>', "reach"),
        ("<div onclick=\"alert('x')\">for a mouse alone</div>", "reach"),
        ('<div style="cursor:pointer">for a mouse alone</div>', "reach"),
        ("<style>a:focus-visible { outline: none; }</style>", "ring"),
        ("<style>[tabindex] { outline: 0 solid red !important; }</style>", "ring"),
    ],
)
def test_probe_finds_what_no_key_reaches(tmp_path: Path, added: str, fault: str | None) -> None:
    page = tmp_path / "made_up.html"
    page.write_text(f'<!doctype html><html><meta charset="utf-8"><body>{_GOOD}{added}</body></html>')
    (tmp_path / "work").mkdir()
    seen = look_at(page, tmp_path / "work", 390)
    assert len(seen["unreachable"]) == (fault == "reach"), seen
    assert len(seen["ringless"]) == (fault == "ring"), seen
