"""The sections of each account: what of them fits into the page, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_loopbreaker.scanning.html.budget import plan_budget, share
from cdk_loopbreaker.scanning.html.findings import group_by_rule, write_finding
from cdk_loopbreaker.scanning.html.functions import (
    explain_protection,
    list_allowing,
    list_functions,
    write_allowing,
    write_function_table,
    write_row,
)
from cdk_loopbreaker.scanning.html.loops import (
    LoopItem,
    write_folded_card,
    write_line,
    write_open_card,
)
from cdk_loopbreaker.scanning.html.unseen import list_missing_actions, list_unseen, write_unseen
from functions.domain.graph.model import Certainty
from functions.domain.notices.markup import element, join
from functions.domain.notices.text import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.scanning.html.functions import FunctionRow
    from cdk_loopbreaker.scanning.model import ScannedAccount
    from functions.domain.notices.markup import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of an account. `slug` is unique in its account."""

    slug: str
    title: str
    content: tuple[Markup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loops:
    """What is written of a list of loops: its first as cards, the next as lines."""

    cards: tuple[Markup, ...]
    lines: tuple[Markup, ...]
    total: int


def list_sections(accounts: Sequence[ScannedAccount]) -> tuple[tuple[Section, ...], ...]:
    """The sections of each account that has something to say in them."""
    budget = plan_budget(len(accounts))
    found = [_sort_loops(one) for one in accounts]
    loops = _write_loops(
        [[one[kind] for one in found] for kind in range(3)],
        budget.drawn_loops,
        budget.listed_loops,
    )
    near = _write_loops(
        [[_list_near(one) for one in accounts]], budget.near_loops, budget.near_loops // 2
    )
    others = [[one for one in each.findings if one.loop is None] for each in accounts]
    findings = share(others, write_finding, budget.findings).written
    rows = [list_functions(one) for one in accounts]
    allowing = share([list_allowing(one) for one in rows], write_allowing, budget.functions // 3)
    table = share(rows, write_row, budget.functions - allowing.spent)
    unseen = [list_unseen(one) for one in accounts]
    shown_unseen = share(unseen, write_unseen, budget.unseen).written
    return tuple(
        tuple(
            one
            for one in (
                _write_loop_section("certain", "Certain loops", loops[0][index]),
                _write_loop_section("possible", "Possible loops", loops[1][index]),
                _write_loop_section("accepted", "Accepted loops", loops[2][index]),
                _write_finding_section(others[index], findings[index]),
                _write_near_section(scanned, near[0][index]),
                _write_protection_section(
                    scanned, rows[index], allowing.written[index], table.written[index]
                ),
                _write_unseen_section(scanned, unseen[index], shown_unseen[index]),
            )
            if one.content
        )
        for index, scanned in enumerate(accounts)
    )


def _sort_loops(scanned: ScannedAccount) -> tuple[list[LoopItem], ...]:
    """The certain, the possible and the accepted loops of an account."""
    settings = {one.name: one.recursive_loop for one in scanned.account.functions}
    found: tuple[list[LoopItem], ...] = ([], [], [])
    for one in scanned.findings:
        if one.loop is not None:
            is_possible = one.loop.certainty is not Certainty.CERTAIN
            found[2 if one.accepted is not None else int(is_possible)].append(
                LoopItem(
                    loop=one.loop,
                    region=scanned.account.region,
                    settings=settings,
                    finding=one,
                )
            )
    return found


def _list_near(scanned: ScannedAccount) -> list[LoopItem]:
    region = scanned.account.region
    return [LoopItem(loop=one, region=region, settings={}) for one in scanned.near_loops]


def _write_loops(
    kinds: Sequence[Sequence[Sequence[LoopItem]]], card_bytes: int, line_bytes: int
) -> list[list[_Loops]]:
    """Write loops of several kinds, the most important kind first, each of every account."""
    written = []
    for number, groups in enumerate(kinds):
        write = write_open_card if number == 0 and len(kinds) > 1 else write_folded_card
        cards = share(groups, write, card_bytes)
        card_bytes -= cards.spent
        others = [group[len(done) :] for group, done in zip(groups, cards.written, strict=True)]
        lines = share(others, write_line, line_bytes)
        line_bytes -= lines.spent
        written.append(
            [
                _Loops(cards=one, lines=other, total=len(group))
                for one, other, group in zip(cards.written, lines.written, groups, strict=True)
            ]
        )
    return written


def _write_loop_section(slug: str, title: str, loops: _Loops) -> Section:
    return Section(
        slug=slug, title=f"{title} ({loops.total:,})", content=tuple(_list_loop_parts(loops))
    )


def _list_loop_parts(loops: _Loops) -> Iterator[Markup]:
    yield from loops.cards
    if loops.lines:
        said = f"{format_count(len(loops.lines), 'more loop')} in short"
        yield element("details", element("summary", said), element("ul", *loops.lines))
    yield from explain_left_out(loops.total - len(loops.cards) - len(loops.lines), "loop")


def explain_left_out(count: int, one: str, many: str = "") -> Iterator[Markup]:
    """Say how much is left out of the page; nothing for none."""
    if count > 0:
        left_out = format_count(count, f"more {one}", f"more {many}" if many else "")
        said = f"{left_out} left out of this page. The JSON report has all."
        yield element("p", said, class_="cut")


def _write_finding_section(findings: Sequence[Finding], written: Sequence[Markup]) -> Section:
    return Section(
        slug="other",
        title=f"Other findings ({len(findings):,})",
        content=(
            *group_by_rule(findings, written),
            *explain_left_out(len(findings) - len(written), "finding"),
        ),
    )


def _write_near_section(scanned: ScannedAccount, near: _Loops) -> Section:
    counts = scanned.graph.counts
    said = (
        f"{counts.ruled_out:,} of {format_count(counts.functions, 'function')} cannot invoke"
        " themselves: no way leads back, even if everything that could not be seen did the worst."
    )
    parts = [element("p", said)] if counts.functions else []
    if near.total:
        parts.append(element("p", "These come near to a loop, and something rules them out:"))
        parts += _list_loop_parts(near)
    return Section(slug="ruled-out", title="Ruled out", content=tuple(parts))


def _write_protection_section(
    scanned: ScannedAccount,
    rows: Sequence[FunctionRow],
    allowing: Sequence[Markup],
    table: Sequence[Markup],
) -> Section:
    parts: list[Markup] = []
    if rows:
        parts = [element("p", one) for one in explain_protection(scanned.account, rows)]
        if allowing:
            parts.append(element("h4", "Functions on Allow"))
            parts.append(element("ul", *allowing, class_="names"))
        parts += explain_left_out(
            len(list_allowing(rows)) - len(allowing), "function on Allow", "functions on Allow"
        )
        parts.append(write_function_table(rows, table))
    return Section(slug="protection", title="AWS's own protection", content=tuple(parts))


def _write_unseen_section(
    scanned: ScannedAccount, entries: Sequence[str], shown: Sequence[Markup]
) -> Section:
    parts: list[Markup] = []
    if not scanned.is_complete:
        said = "The reading was stopped before its end. What was not read is not judged."
        parts.append(element("p", element("b", said)))
    actions = list_missing_actions(scanned)
    if actions:
        parts.append(element("p", "The scan lacked these rights: ", _join_codes(actions), "."))
    if shown:
        parts.append(element("ul", *shown, class_="steps"))
    parts += explain_left_out(len(entries) - len(shown), "entry", "entries")
    if not parts:
        parts.append(element("p", "Everything that the scan asks for was read."))
    return Section(slug="unseen", title="What could not be seen", content=tuple(parts))


def _join_codes(texts: Iterable[str]) -> Markup:
    parts: list[str] = []
    for one in texts:
        parts += (", " if parts else "", element("code", one))
    return join(parts)
