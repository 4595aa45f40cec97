"""The page in a browser, behind a frame that takes away what CloudWatch takes away.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from functions.domain.page.document import write_file, write_widget
from functions.domain.page.overview import View
from functions.domain.page.style import Theme
from tests.functional.browser import measure_pages, needs_chromium
from tests.unit.domain.page.pages import BUTTONS, PAGES

if TYPE_CHECKING:
    from pathlib import Path

_WIDTHS: Final = (390, 800, 1600)

# What CloudWatch does with the HTML of a widget, as far as it is documented: it takes away scripts,
# frames, `use`, event handlers and what would be loaded (CloudWatch user guide, *Security and
# JavaScript for custom CloudWatch widgets*), and shows the rest in a page of its own styles.
_SANITIZE: Final = """
const clean = (html) => {
  const held = document.createElement("template");
  held.innerHTML = html;
  let taken = 0;
  const take = (one) => { one.remove(); taken += 1; };
  held.content.querySelectorAll("script,iframe,use,object,embed,link,meta,base,form").forEach(take);
  held.content.querySelectorAll("*").forEach((one) => {
    [...one.attributes].forEach((each) => {
      const value = each.value.trim().toLowerCase();
      const loads = /^(src|href|xlink:href|data|poster|background)$/.test(each.name);
      if (each.name.startsWith("on") || (loads && !value.startsWith("#"))
          || value.startsWith("javascript:")) {
        one.removeAttribute(each.name);
        taken += 1;
      }
    });
  });
  return [held.innerHTML, taken];
};
"""
_WIDGET: Final = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>ok</title>
<style>body{margin:0;font-family:sans-serif;text-align:center}a{color:#0073bb}
table,h1,h2,h3,p,ul{margin:30px}b,code{color:#d13212}</style></head>
<body><div id="widget"></div><script>
window.problems = [];
addEventListener("error", (event) => window.problems.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => window.problems.push(event.blockedURI));
%(sanitize)s
const [html, taken] = clean(JSON.parse(%(html)s));
document.getElementById("widget").innerHTML = html;
window.taken = taken;
</script></body></html>"""
_MEASURE: Final = """<!DOCTYPE html><title>Measure</title><body>
<script>
addEventListener("load", () => {
  const measured = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach((one) => { one.open = true; });
    const root = page.documentElement;
    const shown = page.querySelector(".lb");
    const wide = [...page.querySelectorAll(".lb *")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && box.right > root.clientWidth + 1 && !one.closest(".plot,.days");
    });
    const press = page.querySelector(".press");
    const action = page.querySelector("cwdb-action");
    return {
      page: frame.getAttribute("src"),
      width: frame.clientWidth,
      scrolled: root.scrollWidth,
      wide: wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)),
      requests: frame.contentWindow.performance.getEntriesByType("resource").length,
      problems: frame.contentWindow.problems || [],
      taken: frame.contentWindow.taken || 0,
      height: shown ? shown.getBoundingClientRect().height : 0,
      ink: shown ? getComputedStyle(shown).color : "",
      ground: shown ? getComputedStyle(shown).backgroundColor : "",
      press: press ? press.getBoundingClientRect().height : 0,
      action: action ? getComputedStyle(action).display : "none",
    };
  });
  document.body.textContent = JSON.stringify(measured);
});
</script>
"""


def put_into_frame(html: str) -> str:
    """A page that shows a widget's HTML as the dashboard does."""
    quoted = json.dumps(json.dumps(html)).replace("</", "<\\/")
    return _WIDGET % {"sanitize": _SANITIZE, "html": quoted}


def check(one: dict[str, Any]) -> None:
    """What is true of every page in every width."""
    assert one["width"] in _WIDTHS
    assert one["scrolled"] <= one["width"], one
    assert one["wide"] == [], one
    assert one["requests"] == 0, one
    assert one["problems"] == [], one
    assert one["taken"] == 0, one
    assert one["height"] > 30, one
    assert one["action"] == "none", one


def get_brightness(colour: str) -> float:
    """Of a colour as the browser computes it, from 0 to 255."""
    parts = [float(one) for one in re.findall(r"[0-9.]+", colour)[:3]]
    return sum(parts) / 3


@needs_chromium
def test_widgets(tmp_path: Path) -> None:
    """Each view in both themes: nothing is cut, nothing is loaded, and the sanitizer finds nothing.

    With 0, 3 and 500 functions, without any data, and with hostile names.
    """
    pages = {
        f"/{name}/{view}/{theme}": put_into_frame(write_widget(make(), view, theme, BUTTONS))
        for name, make in PAGES.items()
        for view in View
        for theme in (Theme.LIGHT, Theme.DARK)
    }

    for one in measure_pages(pages, _MEASURE, _WIDTHS, tmp_path):
        check(one)
        is_dark = one["page"].endswith("/dark")
        ink, ground = get_brightness(one["ink"]), get_brightness(one["ground"])
        dark, light = (ground, ink) if is_dark else (ink, ground)
        assert dark < 60, one
        assert light > 180, one
        if "/busy/incidents/" in one["page"]:
            assert one["press"] > 24, "a button that a thumb finds"


@needs_chromium
def test_files(tmp_path: Path) -> None:
    """The same page as a file, which opens in any browser."""
    pages = {f"/{name}": write_file(make()) for name, make in PAGES.items()}

    for one in measure_pages(pages, _MEASURE, _WIDTHS, tmp_path):
        check(one)


@needs_chromium
def test_the_frame_would_find_what_is_forbidden(tmp_path: Path) -> None:
    """A page with a script, a frame, `use`, a handler and a picture from elsewhere."""
    bad = (
        '<div class="lb" onclick="x()"><script>alert(1)</script><iframe></iframe>'
        f'<svg><use href="#a"/></svg><img src="{escape("http://127.0.0.1:9/x.png")}">'
        '<p style="width:5000px">wide</p></div>'
    )

    for one in measure_pages({"/bad": put_into_frame(bad)}, _MEASURE, _WIDTHS, tmp_path):
        assert one["taken"] == 5
        assert one["wide"]
