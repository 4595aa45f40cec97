"""A page as its reader's browser takes it apart."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

_VOID: Final = {"meta", "link"}


class Page(HTMLParser):
    """Elements, attributes and texts of a document; an element that is not closed is an error."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert not self._open

    @property
    def text(self) -> str:
        """All text."""
        return "".join(self.texts)

    def values(self, attribute: str) -> list[str]:
        """The values of an attribute, in the order of the document."""
        return [values[attribute] or "" for _, values in self.elements if attribute in values]

    def count(self, name: str, class_name: str = "") -> int:
        """How many elements of a name, and a class, there are."""
        return sum(
            tag == name and class_name in (values.get("class") or "").split()
            if class_name
            else tag == name
            for tag, values in self.elements
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element that ends at once."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Refuse a comment: the page has none."""
        raise AssertionError(data)
