"""HTML and SVG that no text from outside can break out of.

A text is escaped unless it is `Markup`, and nothing but `element` and `join` makes that. Names of
elements and attributes are written in the code, never taken from outside.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

from functions.domain.notices.text import replace_unprintable

_ENDED_AT_ONCE: Final = frozenset({"circle", "path", "rect"})
_VOID: Final = frozenset({"link", "meta"})


class Markup(str):
    """Markup in which every text from outside is escaped."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """Write an element.

    Parameters
    ----------
    content
        Escaped, unless it is `Markup`.
    attributes
        Escaped. ``None`` leaves one out. ``class_`` is written as class, ``aria_label`` as
        aria-label.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    start = f"<{name}{''.join(map(_write_attribute, attributes.items()))}"
    if name in _ENDED_AT_ONCE:
        return Markup(f"{start}/>")
    if name in _VOID:
        return Markup(f"{start}>")
    return Markup(f"{start}>{join(content)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Write one part after the other, escaped unless it is `Markup`."""
    return Markup("".join(one if isinstance(one, Markup) else _escape_text(one) for one in parts))


def _escape_text(text: str) -> str:
    return escape(replace_unprintable(text), quote=False)


def _write_attribute(attribute: tuple[str, str | float | None]) -> str:
    name, value = attribute
    if value is None:
        return ""
    said = value if isinstance(value, str) else f"{value:g}"
    return f' {name.rstrip("_").replace("_", "-")}="{escape(replace_unprintable(said))}"'
