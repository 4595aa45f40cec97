"""The report of a drill in a browser: as wide as a phone, dark and light, and nothing asked for.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.model import Check, Depth, LoopKind
from cdk_loopbreaker.drill.reports.html_report import format_drill_html
from tests.functional.browser import measure_pages, needs_chromium
from tests.unit.cdk_loopbreaker.drill.samples import loop, report

if TYPE_CHECKING:
    from pathlib import Path

_WIDTHS: Final = (320, 390, 1200)
_LONG: Final = "W" * 300

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


@needs_chromium
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
    measured = measure_pages(pages, _MEASURE, _WIDTHS, tmp_path)

    for one in measured:
        assert one["width"] in _WIDTHS
        assert one["title"].startswith("Loopbreaker drill: "), one
        assert one["scrolled"] <= one["width"], one
        assert one["requests"] == 0, one
    assert [one["bars"] > 0 for one in measured] == [True] * 3 + [False] * 3 + [True] * 3
