"""The report in a browser: no page is wider than a phone, and nothing is asked for.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from typing import TYPE_CHECKING, Final

import pytest

from cdk_loopbreaker.scanning.html_report import format_html
from cdk_loopbreaker.scanning.model import ScanResult
from tests.functional.browser import serve
from tests.unit.cdk_loopbreaker.scanning.results import AT, scan_large, scan_shop

if TYPE_CHECKING:
    from pathlib import Path

_CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
_WIDTHS: Final = (320, 360, 1280)

# Frames of the same origin can be measured, though the report itself runs no script.
_MEASURE: Final = """<!DOCTYPE html><title>Measure</title><body>
<script>
addEventListener("load", () => {
  const measured = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach((one) => { one.open = true; });
    const root = page.documentElement;
    return {
      page: frame.getAttribute("src"),
      width: frame.clientWidth,
      scrolled: root.scrollWidth,
      requests: frame.contentWindow.performance.getEntriesByType("resource").length,
      title: page.title,
    };
  });
  document.body.textContent = JSON.stringify(measured);
});
</script>
"""


@pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed")
def test_no_page_scrolls_sideways_and_nothing_is_asked_for(tmp_path: Path) -> None:
    """On a phone and on a desktop, with names that have no pause, and with everything unfolded."""
    pages = {
        "/shop": format_html(scan_shop()),
        "/long": format_html(scan_large(20, 6, "W" * 60)),
        "/many": format_html(ScanResult(accounts=scan_large(2, 1).accounts * 3, at=AT)),
    }
    frames = "".join(
        f'<iframe src="{page}" style="width:{width}px;height:600px;border:0"></iframe>'
        for page in pages
        for width in _WIDTHS
    )
    with serve({**pages, "/": _MEASURE + frames}) as (home, asked):
        dumped = subprocess.run(  # noqa: S603 (a fixed program on a page of this test)
            [
                str(_CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={tmp_path}",
                "--dump-dom",
                f"{home}/",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout

    found = re.search(r"<body>(.*)</body>", dumped, re.DOTALL)
    assert found is not None
    measured = json.loads(unescape(found[1]))
    assert len(measured) == len(pages) * len(_WIDTHS)
    for one in measured:
        assert one["width"] in _WIDTHS
        assert one["title"].startswith("Loopbreaker scan: "), one
        assert one["scrolled"] <= one["width"], one
        assert one["requests"] == 0, one
    assert set(asked) - {"/favicon.ico"} == {"/", *pages}
