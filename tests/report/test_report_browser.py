"""The page in headless Chromium: no error, all pictures load, nothing sticks out at phone width."""

import json
import re
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

# Goes into the test's copy of the page; tells the page around the frame what it sees once all is loaded.
_PROBE = """<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((element) => { element.open = true; });
  const wide = document.documentElement.clientWidth;
  const outside = [...document.querySelectorAll("body *")].filter(
    (element) => !element.closest(".scroll, pre, .skip, thead"))
    .filter((element) => element.getBoundingClientRect().right > wide + 1);
  const focusable = [...document.querySelectorAll("a[href], summary, [tabindex='0']")];
  const focused = focusable.filter((element) => {
    element.focus();
    return document.activeElement === element;
  });
  parent.postMessage({
    width: wide,
    scroll: document.documentElement.scrollWidth,
    pictures: document.images.length,
    broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.alt),
    outside: outside.map((element) => element.outerHTML.slice(0, 120)),
    unfocused: focusable.length - focused.length,
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


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on the PATH")
    return found


@pytest.mark.parametrize("width", [390, 1200])
def test_page_in_a_browser(report: Path, chromium: str, tmp_path: Path, width: int) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(text.replace("</body>", _PROBE), encoding="utf-8")
    (tmp_path / "frame.html").write_text(_FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    command = [
        chromium,
        *_OPTIONS,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1300,900",
        "--dump-dom",
        (tmp_path / "frame.html").as_uri(),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in answer.stderr.splitlines() if ":CONSOLE" in line]
    assert said == []
    match = re.search(r'data-seen="([^"]+)"', answer.stdout)
    assert match is not None, answer.stderr[-2000:]
    seen = json.loads(urllib.parse.unquote(match[1]))
    assert seen["width"] == width
    assert (seen["pictures"], seen["broken"]) == (20, [])
    assert (seen["scroll"], seen["outside"]) == (width, [])
    assert seen["unfocused"] == 0
