"""What all reports in HTML share: one file, no script, nothing loaded."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from functions.domain.notices.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

# The styles stand in the file. The rest says that the page loads, sends and runs nothing.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'"
)


def write_page(title: str, body: Markup, styles: Sequence[str] = ()) -> str:
    """A whole page.

    Parameters
    ----------
    body
        The element body.
    styles
        What stands after the styles that all reports have.
    """
    page = element("html", _write_head(title, styles), body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def compress_style(text: str) -> Markup:
    """Styles without the white space around their lines."""
    return Markup("".join(line.strip() for line in text.splitlines()))


@cache
def _read_style() -> Markup:
    return compress_style((files(__package__) / "report.css").read_text(encoding="utf-8"))


def _write_head(title: str, styles: Sequence[str]) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width,initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        # Without it a browser asks the server for /favicon.ico.
        element("link", rel="icon", href="data:,"),
        element("style", Markup(_read_style() + "".join(styles))),
    )
