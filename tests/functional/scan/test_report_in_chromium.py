"""The report in a browser: no page is wider than a phone, and nothing is asked for.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.scanning.html_report import format_html
from cdk_loopbreaker.scanning.model import ScanResult
from tests.functional.browser import measure_pages, needs_chromium
from tests.unit.cdk_loopbreaker.scanning.results import AT, scan_large, scan_shop

if TYPE_CHECKING:
    from pathlib import Path

_WIDTHS: Final = (320, 360, 1280)

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


@needs_chromium
def test_no_page_scrolls_sideways_and_nothing_is_asked_for(tmp_path: Path) -> None:
    """On a phone and on a desktop, with names that have no pause, and with everything unfolded."""
    pages = {
        "/shop": format_html(scan_shop()),
        "/long": format_html(scan_large(20, 6, "W" * 60)),
        "/many": format_html(ScanResult(accounts=scan_large(2, 1).accounts * 3, at=AT)),
    }
    measured = measure_pages(pages, _MEASURE, _WIDTHS, tmp_path)

    for one in measured:
        assert one["width"] in _WIDTHS
        assert one["title"].startswith("Loopbreaker scan: "), one
        assert one["scrolled"] <= one["width"], one
        assert one["requests"] == 0, one
