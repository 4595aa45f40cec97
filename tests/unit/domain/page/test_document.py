"""The page as a widget and as a file: what it holds, how large it is, and that nothing breaks out.

`REWRITE_PAGES=1` rewrites the golden files. Read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.page.document import write_file, write_widget
from functions.domain.page.overview import View
from functions.domain.page.style import Theme
from tests.examples import examples
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.domain.page.pages import BUTTONS, HOSTILE, PAGES, hostile

GOLDEN: Final = Path(__file__).with_name("golden")
# A widget's function may answer 6 MB (Lambda developer guide, *Lambda quotas*). A dashboard that
# people wait for is far below that.
MOST_BYTES: Final = 200_000
# What CloudWatch removes, and what would load something (CloudWatch user guide, *Security and
# JavaScript for custom CloudWatch widgets*).
FORBIDDEN: Final = {"script", "iframe", "use", "symbol", "object", "embed", "img", "form", "input"}
LOADING: Final = {"src", "href", "xlink:href", "data", "action", "background", "poster"}


def write(name: str, form: str) -> str:
    """A page in one of its forms."""
    page = PAGES[name]()
    if form == "file":
        return write_file(page)
    return write_widget(page, View(form), Theme.LIGHT, BUTTONS)


FORMS: Final = ("file", *View)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["quiet", "busy", "blind"])
def test_golden_pages(name: str, form: str) -> None:
    """Every word and element that people see, without the styles."""
    html = re.sub(r"<style>.*?</style>", "<style></style>", write(name, form), flags=re.DOTALL)
    written = re.sub(r"(<(?:div|article|h[1-4]|li|ul|ol|figure|dl|p|svg|section)\b)", r"\n\1", html)
    path = GOLDEN / f"{name}-{form}.html"
    if os.environ.get("REWRITE_PAGES"):
        path.write_text(written + "\n", encoding="utf-8")

    assert path.read_text(encoding="utf-8") == written + "\n"


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_that_the_dashboard_removes_or_that_loads(name: str, form: str) -> None:
    """Neither script, frame, `use` and event handlers, nor anything from elsewhere."""
    page = Page(write(name, form))

    assert not {tag for tag, _ in page.elements} & FORBIDDEN
    for tag, values in page.elements:
        assert not [one for one in values if one.startswith("on")], values
        for attribute in LOADING & values.keys():
            if tag == "cwdb-action":
                assert (attribute, values[attribute]) == ("action", "call")
            else:
                assert (tag, values[attribute]) == ("link", "data:,")
    html = write(name, form)
    for style in re.findall(r"<style>(.*?)</style>", html, re.DOTALL):
        assert "url(" not in style
        assert "@import" not in style


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_bounded(name: str, form: str) -> None:
    """Also that of hundreds of incidents."""
    assert len(write(name, form).encode()) < MOST_BYTES


def test_a_file_has_no_buttons() -> None:
    """Nobody would carry them out: it shows the commands."""
    page = Page(write("busy", "file"))

    assert page.count("cwdb-action") == 0
    assert page.count("a") == 0
    assert "loopbreaker restore orders-enricher --region eu-west-1" in page.text
    assert "loopbreaker stop send-invoice --region eu-west-1" in page.text


def test_a_file_allows_nothing() -> None:
    """Its policy refuses what it does not have."""
    (policy,) = (
        values["content"]
        for tag, values in Page(write("busy", "file")).elements
        if values.get("http-equiv") == "Content-Security-Policy"
    )

    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["quiet", "busy", "huge", "blind"])
def test_the_first_words_say_how_it_stands(name: str) -> None:
    """In one sentence, before anything else."""
    said = {
        "quiet": "No function is held",
        "busy": "Loopbreaker holds 2 functions, 1 more is reported",
        "huge": "Loopbreaker holds 503 functions",
        "blind": "What is held now could not be read",
    }

    for form in ("file", View.INCIDENTS):
        text = Page(write(name, form)).text
        assert said[name] in text[text.index("Loopbreaker") if form == "file" else 0 :]


@pytest.mark.thorough
def test_what_is_left_out_is_counted() -> None:
    """Of 500 incidents, findings and loops some are shown."""
    text = Page(write("huge", "file")).text

    assert "434 more open incidents not shown here" in text
    assert "And 480 more: the weekly mail lists them." in text
    assert "480 older ones not shown here" in text


def test_classes_of_the_page_end_at_the_page() -> None:
    """A widget stands among others: each rule of its styles begins with its class."""
    html = write_widget(PAGES["busy"](), View.INCIDENTS, Theme.DARK, BUTTONS)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)

    for rule in re.sub(r"\{[^}]*\}", "{}", style).split("{}"):
        for selector in filter(None, rule.split(",")):
            assert selector.startswith(".lb"), selector


@pytest.mark.parametrize("theme", list(Theme))
def test_a_widget_has_one_theme(theme: Theme) -> None:
    """The dashboard tells it; no media query decides."""
    html = write_widget(PAGES["busy"](), View.INCIDENTS, theme, BUTTONS)

    assert "prefers-color-scheme" not in html
    assert html.count("color-scheme:") == 1


def test_hostile_texts_are_shown_as_they_are() -> None:
    """Escaped, cut to a length, and in the place of a text."""
    for form in FORMS:
        page = Page(write("hostile", form))
        assert "<script>alert(1)</script>" in page.text
        assert "\x00" not in page.text


# A button is there for what is a function's name, and a name on two lines is two texts.
VARYING: Final = {"cwdb-action", "a", "text", "rect", "path", "svg", "b", "p", "ul", "li", "h4"}


@settings(max_examples=examples(40), deadline=None)
@given(
    text=st.text(min_size=1, max_size=120)
    | st.sampled_from(["</style><script>", "]]>", "<!--", "&#0;", "\u202e", '" onload="x', HOSTILE])
)
def test_no_text_changes_the_structure(text: str) -> None:
    """Whatever a name holds, the page has the elements that a plain name gives it."""
    plain, other = hostile("plain"), hostile(text)
    for form in FORMS:
        if form == "file":
            pages = [Page(write_file(one)) for one in (plain, other)]
        else:
            pages = [
                Page(write_widget(one, View(form), Theme.LIGHT, BUTTONS)) for one in (plain, other)
            ]
        tags = [
            [(tag, sorted(values)) for tag, values in one.elements if tag not in VARYING]
            for one in pages
        ]
        assert tags[0] == tags[1]
        assert not {tag for tag, _ in pages[1].elements} & FORBIDDEN
