"""What all reports in HTML share: one style in one file, nothing loaded."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from functions.domain.notices.markup import Markup, element
from functions.domain.page.document import write_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def write_report(title: str, *content: Markup, styles: Sequence[str] = ()) -> str:
    """Write a report as a file that needs nothing else.

    Parameters
    ----------
    content
        What is in its body.
    styles
        What stands after the styles that all reports have.
    """
    return write_document(title, Markup(_read_style() + "".join(styles)), *content)


def write_table(
    columns: Iterable[str], rows: Iterable[Markup], class_: str | None = None
) -> Markup:
    """A table with a head."""
    return element(
        "table",
        element("thead", element("tr", *(element("th", one, scope="col") for one in columns))),
        element("tbody", *rows),
        class_=class_,
    )


def compress_style(text: str) -> Markup:
    """Styles without the white space around their lines."""
    return Markup("".join(line.strip() for line in text.splitlines()))


@cache
def _read_style() -> Markup:
    return compress_style((files(__package__) / "report.css").read_text(encoding="utf-8"))
