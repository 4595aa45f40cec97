"""Markup says what it is given, and nothing that it is given ends it."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.notices.markup import Markup, element, join


class Parsed(HTMLParser):
    """The elements, attributes and texts of a document."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data


def test_element() -> None:
    """Content and attributes are escaped, names of attributes are those of HTML."""
    written = element("a", "x < y", element("b", "&"), class_="one", aria_label='"', title=None)

    assert written == '<a class="one" aria-label="&quot;">x &lt; y<b>&amp;</b></a>'


def test_elements_without_content() -> None:
    """A void element has no end, one of a drawing ends at once."""
    assert join(
        (element("meta", charset="utf-8"), element("path", d="M0 0", stroke_width=1.5))
    ) == ('<meta charset="utf-8"><path d="M0 0" stroke-width="1.5"/>')


def test_join_trusts_markup_only() -> None:
    """A text is escaped where it is joined with markup."""
    assert join(("<", Markup("<i></i>"))) == "&lt;<i></i>"


@given(st.text(), st.text())
def test_no_text_becomes_markup(content: str, value: str) -> None:
    """Whatever a text holds: one element, one attribute, and the text."""
    parsed = Parsed(element("p", content, title=value))

    assert parsed.elements == ["p"]
    assert [name for name, _ in parsed.attributes] == ["title"]
    assert parsed.text == "".join(one if one.isprintable() else " " for one in content)
