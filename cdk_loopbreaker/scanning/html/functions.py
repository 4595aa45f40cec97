"""AWS's own protection, function by function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.scanning.html.page import write_table
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import UNDETECTED_REGIONS
from functions.domain.notices.markup import element
from functions.domain.notices.text import clean, format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_loopbreaker.scanning.model import ScannedAccount
    from functions.domain.account.inventory import Account
    from functions.domain.notices.markup import Markup

_ORDER: Final = (LoopProof.CERTAIN, LoopProof.POSSIBLE, LoopProof.UNKNOWN, LoopProof.RULED_OUT)
_PROOFS: Final = {
    LoopProof.CERTAIN: "certain",
    LoopProof.POSSIBLE: "possible",
    LoopProof.UNKNOWN: "not ruled out",
    LoopProof.RULED_OUT: "ruled out",
}
_ALLOW: Final = "Allow"
_TERMINATE: Final = "Terminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    """A function, whether it is on a loop, and its setting ``RecursiveLoop`` (empty: not read)."""

    name: str
    proof: LoopProof
    setting: str


def list_functions(scanned: ScannedAccount) -> tuple[FunctionRow, ...]:
    """Every function: those on loops first, of these the ones on Allow first."""
    proofs = scanned.graph.proofs
    rows = [
        FunctionRow(
            name=one.name,
            proof=proofs.get(one.name, LoopProof.UNKNOWN),
            setting=one.recursive_loop,
        )
        for one in scanned.account.functions
    ]
    return tuple(
        sorted(rows, key=lambda row: (_ORDER.index(row.proof), row.setting != _ALLOW, row.name))
    )


def list_allowing(rows: Sequence[FunctionRow]) -> tuple[FunctionRow, ...]:
    """The functions for which people have switched AWS's own detection off."""
    return tuple(row for row in rows if row.setting == _ALLOW)


def write_row(row: FunctionRow) -> Markup:
    """A function as a row of the table."""
    return element(
        "tr",
        element("th", clean(row.name, 160), scope="row"),
        element("td", _PROOFS[row.proof]),
        element("td", clean(row.setting, 40) or "not read"),
    )


def write_allowing(row: FunctionRow) -> Markup:
    """A function on Allow as an entry of a list."""
    name = element("code", clean(row.name, 160))
    if row.proof in {LoopProof.CERTAIN, LoopProof.POSSIBLE}:
        return element("li", name, f", on a {_PROOFS[row.proof]} loop")
    return element("li", name)


def explain_protection(account: Account, rows: Sequence[FunctionRow]) -> Iterator[str]:
    """How many functions AWS protects, as sentences."""
    if account.region in UNDETECTED_REGIONS:
        yield f"AWS's own detection of loops does not run in {account.region}."
    counts = {_TERMINATE: 0, _ALLOW: 0, "": 0}
    for row in rows:
        counts[row.setting if row.setting in counts else ""] += 1
    parts = [f"RecursiveLoop is {_TERMINATE} for {format_count(counts[_TERMINATE], 'function')}"]
    parts.append(f"{_ALLOW} for {counts[_ALLOW]:,}")
    if counts[""]:
        parts.append(f"not read for {counts['']:,}")
    yield f"{', '.join(parts)}."
    if counts[_ALLOW]:
        yield (
            "Allow switches AWS's own detection off for a function. Each of these needs a reason;"
            " without one, set it back to Terminate."
        )


def write_function_table(rows: Sequence[FunctionRow], written: Sequence[Markup]) -> Markup:
    """The folded table of the functions."""
    more = len(rows) - len(written)
    said = f"The first {len(written):,} of {len(rows):,} functions" if more else "Every function"
    return element(
        "details",
        element("summary", said),
        write_table(_COLUMNS, written),
    )


_COLUMNS: Final = ("Function", "Loop", "RecursiveLoop")
