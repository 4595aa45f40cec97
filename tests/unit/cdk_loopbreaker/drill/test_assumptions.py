"""Every unconfirmed behaviour of AWS has an id, and the table of these is true."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from cdk_loopbreaker.drill.assumptions.catalogue import (
    ASSUMPTIONS,
    RETIRED,
    format_page_table,
)
from cdk_loopbreaker.drill.assumptions.model import MeasureName

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[4]
PAGE: Final = ROOT / "docs" / "assumptions.md"
FOLDERS: Final = ("functions", "stacks", "cdk_loopbreaker", "bench")
SINGLE_FILES: Final = ("app.py", "hatch_build.py")
OPENING, CLOSING = "<!-- assumptions -->\n", "<!-- /assumptions -->"
REWRITE: Final = "REWRITE_ASSUMPTIONS"

# The mark may be broken by the end of a line of a comment.
MARK: Final = re.compile(r"UNCONFIRMED(?:[\s#]+(A-\d{3})\b)?")
# Other words for the same. Beside them there has to be an id.
WORDINGS: Final = re.compile(
    r"\b(?:un|not )documented|nobody could confirm|[Uu]nconfirmed:|not stated by AWS"
    r"|AWS (?:gives no figure|does not document)"
)
NEAR: Final = 300
"""Characters between such words and the id."""


def list_code() -> Iterator[tuple[str, str]]:
    """Each file of code as its path and its text; the catalogue itself is none of them."""
    found = [*map(ROOT.joinpath, SINGLE_FILES)]
    for folder in FOLDERS:
        found += sorted((ROOT / folder).rglob("*.py"))
    for path in found:
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("cdk_loopbreaker/drill/assumptions/"):
            yield name, path.read_text()


CODE: Final = dict(list_code())
MARKS: Final = {
    name: [found[1] for found in MARK.finditer(text)]
    for name, text in CODE.items()
    if "UNCONFIRMED" in text
}


def test_every_mark_has_an_id() -> None:
    """No assumption is made without one."""
    bare = [name for name, ids in MARKS.items() if None in ids]

    assert bare == []
    assert MARKS


def test_other_words_for_the_same_have_an_id_as_well() -> None:
    """Whoever writes that AWS does not document something says which assumption rests on it."""
    bare = [
        f"{name}: {found[0]}"
        for name, text in CODE.items()
        for found in WORDINGS.finditer(text)
        if not re.search(r"A-\d{3}\b", text[max(0, found.start() - NEAR) : found.end() + NEAR])
    ]

    assert bare == []


def test_the_marks_are_those_of_the_table() -> None:
    """Each id is in the table once, with exactly the files that have its mark."""
    marked: dict[str, set[str]] = {}
    for name, ids in MARKS.items():
        for one in ids:
            marked.setdefault(one, set()).add(name)

    assert marked == {one.id: set(one.files) for one in ASSUMPTIONS}
    assert max(Counter(one.id for one in ASSUMPTIONS).values()) == 1


def test_no_id_is_left_out_or_used_again() -> None:
    """Ids are given in their order, and one whose assumption is gone stays retired."""
    given = {one.id for one in ASSUMPTIONS}

    assert not given & RETIRED
    assert given | RETIRED == {f"A-{number:03}" for number in range(1, len(given | RETIRED) + 1)}


@pytest.mark.parametrize("one", ASSUMPTIONS, ids=lambda one: one.id)
def test_an_assumption_says_why_it_is_harmless_and_how_it_is_measured(one: object) -> None:
    """It is measured, or the reason is stated why it cannot be; never both."""
    assert getattr(one, "claim", "").endswith(".")
    assert getattr(one, "if_wrong", "").endswith(".")
    assert (getattr(one, "measure", None) is None) == bool(getattr(one, "reason", ""))
    assert "|" not in str(one)


def test_every_measure_is_needed() -> None:
    """No name of a measure is left over."""
    assert {one.measure for one in ASSUMPTIONS if one.measure} <= set(MeasureName)


def test_the_page_shows_the_table() -> None:
    """`docs/assumptions.md` is written from the catalogue."""
    page = PAGE.read_text()
    before, _, rest = page.partition(OPENING)
    _, _, after = rest.partition(CLOSING)
    wanted = f"{before}{OPENING}\n{format_page_table()}\n{CLOSING}{after}"
    if os.environ.get(REWRITE):
        PAGE.write_text(wanted)

    assert PAGE.read_text() == wanted, f"run it again with {REWRITE}=1"
