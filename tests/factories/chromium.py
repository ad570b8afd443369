"""Open a page in headless Chromium and measure its layout."""

import json
import re
import shutil
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

# Added to a copy of the page; reports to the surrounding page when everything is loaded.
_PROBE = """<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((element) => { element.open = true; });
  const wide = document.documentElement.clientWidth;
  const outside = [...document.querySelectorAll("body *")].filter(
    (element) => !element.closest(".scroll, pre, .skip, thead"))
    .filter((element) => element.getBoundingClientRect().right > wide + 1);
  const size = (element) => parseFloat(getComputedStyle(element).fontSize);
  const top = (element) => element.getBoundingClientRect().top;
  const all = [...document.querySelectorAll("body *")];
  const scrolled = all.filter((element) => {
    const style = getComputedStyle(element);
    return (["auto", "scroll"].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1)
      || (["auto", "scroll"].includes(style.overflowY) && element.scrollHeight > element.clientHeight + 1);
  });
  const pointed = all.filter((element) => element.matches("a, summary, button, input, select, textarea, "
    + "[onclick], [role='button'], [role='link']") || (getComputedStyle(element).cursor === "pointer"
    && !element.parentElement.closest("a[href], summary, button, label")));
  const ringless = all.filter((element) => {
    if (element.tabIndex < 0) return false;
    element.focus({focusVisible: true});
    const style = getComputedStyle(element);
    const shown = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
    return document.activeElement !== element || !shown;
  });
  parent.postMessage({
    width: wide,
    scroll: document.documentElement.scrollWidth,
    pictures: document.images.length,
    broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.alt),
    outside: outside.map((element) => element.outerHTML.slice(0, 120)),
    // Not `tabIndex`: browsers differ in whether a scrolling box is focusable by default.
    unreachable: [...scrolled.filter((element) => element.getAttribute("tabindex") !== "0"),
      ...pointed.filter((element) => element.tabIndex < 0)].map((element) => element.outerHTML.slice(0, 120)),
    larger: all.filter((element) => element.matches("caption, figcaption, .faint, code, pre, td"))
      .filter((element) => size(element) > size(document.body))
      .map((element) => element.outerHTML.slice(0, 120)),
    below: [...document.querySelectorAll(".two")].filter((element) => element.children.length > 1)
      .filter((element) => top(element.children[1]) > top(element.children[0])).length,
    ringless: ringless.map((element) => element.outerHTML.slice(0, 120)),
  }, "*");
});
</script></body>"""
# A window cannot be narrower than 500 px, a frame can.
_FRAME = """<!doctype html><body style="margin:0">
<iframe src="page.html" style="border:0;width:WIDTHpx;height:800px"></iframe><script>
addEventListener("message", (event) => {
  document.body.dataset.seen = encodeURIComponent(JSON.stringify(event.data));
});
</script></body>"""
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=20000",
)


def look_at(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """Open a page, all its details unfolded.

    Args:
        page: The HTML file.
        folder: An empty folder to work in.
        width: Width of the window, px.

    Returns:
        width, scroll (width of the page), pictures (number), broken (pictures that did not load), outside
        (elements beyond the right edge), unreachable (elements that scroll or react to a pointer, but not to
        keys), ringless (focusable elements without an outline), larger (notes and cells in a larger font than
        the text), below (pairs of pictures that are not side by side), console (lines logged).
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on the PATH")
    text = page.read_text(encoding="utf-8")
    (folder / "page.html").write_text(text.replace("</body>", _PROBE), encoding="utf-8")
    (folder / "frame.html").write_text(_FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    command = [
        chromium,
        *_OPTIONS,
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1300,900",
        "--dump-dom",
        (folder / "frame.html").as_uri(),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    match = re.search(r'data-seen="([^"]+)"', answer.stdout)
    assert match is not None, answer.stderr[-2000:]
    seen: dict[str, Any] = json.loads(urllib.parse.unquote(match[1]))
    return seen | {"console": [line for line in answer.stderr.splitlines() if ":CONSOLE" in line]}
