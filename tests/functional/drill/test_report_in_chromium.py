"""The report of a drill in a browser: as wide as a phone, dark and light, and nothing asked for.

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

from cdk_loopbreaker.drill.model import Check, Depth, LoopKind
from cdk_loopbreaker.drill.reports.html_report import format_drill_html
from tests.functional.browser import serve
from tests.unit.cdk_loopbreaker.drill.samples import loop, report

if TYPE_CHECKING:
    from pathlib import Path

_CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
_WIDTHS: Final = (320, 390, 1200)
_LONG: Final = "W" * 300

# Frames of the same origin can be measured, though the report itself runs no script.
_MEASURE: Final = """<!DOCTYPE html><title>Measure</title><body>
<script>
addEventListener("load", () => {
  const measured = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach((one) => { one.open = true; });
    const bars = [...page.querySelectorAll(".bar")].map((one) => one.getBoundingClientRect());
    return {
      width: frame.clientWidth,
      scrolled: page.documentElement.scrollWidth,
      requests: frame.contentWindow.performance.getEntriesByType("resource").length,
      title: page.title,
      bars: bars.filter((one) => one.width > 100 && one.height > 3).length,
    };
  });
  document.body.textContent = JSON.stringify(measured);
});
</script>
"""


@pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed")
def test_no_page_scrolls_sideways_and_nothing_is_asked_for(tmp_path: Path) -> None:
    """On a phone and on a desktop, with words that have no pause, and everything unfolded."""
    failing = Check(title=_LONG, is_passed=False, text=_LONG)
    pages = {
        "/passed": format_drill_html(report()),
        "/bell": format_drill_html(report(depth=Depth.BELL, loops=(), figures=())),
        "/long": format_drill_html(
            report(
                checks=(failing,),
                loops=(loop(LoopKind.SQS, ending=_LONG, subjects=(_LONG,), remarks=(_LONG,)),),
            )
        ),
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
        assert one["title"].startswith("Loopbreaker drill: "), one
        assert one["scrolled"] <= one["width"], one
        assert one["requests"] == 0, one
    assert [one["bars"] > 0 for one in measured] == [True] * 3 + [False] * 3 + [True] * 3
    assert set(asked) - {"/favicon.ico"} == {"/", *pages}
