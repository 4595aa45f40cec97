"""Findings that people have accepted: by a tag, by the CDK's acknowledgement, or in a file.

A tag (``loopbreaker:accepted-loop``) is read with the account. The file is YAML or JSON::

    accept:
      - rule: LB001
        function: enrich-order
        reason: three rounds at most, the handler counts them
        until: 2027-06-30
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import yaml

from cdk_loopbreaker.checking.finding import Acceptance
from cdk_loopbreaker.checking.rules import RULES, find_rule
from functions.domain.errors import LoopbreakerError
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.templates.model import Place

_KEYS: Final = frozenset({"rule", "function", "fingerprint", "reason", "until"})
_MOST_BYTES: Final = 1_000_000


class AcceptanceFileError(LoopbreakerError):
    """Raised when a file with accepted findings is not what it must be."""

    def __init__(self, path: Path, wrong: str) -> None:
        super().__init__(f"{path}: {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedEntry:
    """An entry of the file.

    Attributes
    ----------
    rule
        Empty for every rule.
    function, fingerprint
        One of them is given.
    until
        The last day on which it counts; ``None`` for ever.
    """

    number: int
    reason: str
    rule: str = ""
    function: str = ""
    fingerprint: str = ""
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding."""
        if self.rule and self.rule != finding.rule.id:
            return False
        if self.fingerprint:
            return self.fingerprint == finding.fingerprint
        return self.function in finding.functions

    def describe(self) -> str:
        """Name the entry as people find it."""
        about = self.function or self.fingerprint
        return f"entry {self.number} ({' '.join(filter(None, (self.rule, clean(about, 80))))})"


def read_accepted_entries(path: Path) -> tuple[AcceptedEntry, ...]:
    """Read the file.

    Raises
    ------
    AcceptanceFileError
        When it cannot be read, or an entry is not what it must be.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise AcceptanceFileError(path, f"cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise AcceptanceFileError(path, f"is longer than {_MOST_BYTES:,} bytes")
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise AcceptanceFileError(path, f"is no YAML: {clean(said, 200)}") from error
    entries = document.get("accept") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise AcceptanceFileError(path, "must hold a list under the key accept")
    return tuple(_read_entry(path, number, one) for number, one in enumerate(entries, 1))


def _read_entry(path: Path, number: int, item: Any) -> AcceptedEntry:
    def refuse(wrong: str) -> AcceptanceFileError:
        return AcceptanceFileError(path, f"entry {number} {wrong}")

    if not isinstance(item, dict):
        raise refuse("must be a mapping with the keys " + ", ".join(sorted(_KEYS)))
    unknown = sorted(str(key) for key in item if key not in _KEYS)
    if unknown:
        raise refuse(
            f"has the unknown key {clean(unknown[0], 60)}; known are {', '.join(sorted(_KEYS))}"
        )
    texts = {}
    for key in ("rule", "function", "fingerprint", "reason"):
        value = item.get(key, "")
        if not isinstance(value, str):
            raise refuse(f"has a {key} that is no text: {clean(repr(value), 60)}")
        texts[key] = value.strip()
    rule = find_rule(texts["rule"]) if texts["rule"] else None
    if texts["rule"] and rule is None:
        known = ", ".join(one.id for one in RULES)
        raise refuse(f"names the unknown rule {clean(texts['rule'], 60)}; known are {known}")
    if not texts["reason"]:
        raise refuse("has no reason")
    if bool(texts["function"]) == bool(texts["fingerprint"]):
        raise refuse("must have either a function or a fingerprint")
    return AcceptedEntry(
        number=number,
        rule=rule.id if rule else "",
        function=texts["function"],
        fingerprint=texts["fingerprint"].lower(),
        reason=texts["reason"],
        until=_read_day(item.get("until"), refuse),
    )


def _read_day(value: Any, refuse: Any) -> date | None:
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise refuse(
            f"has an until that is no day such as 2027-06-30: {clean(repr(value), 60)}"
        ) from error


def accept_by_file(
    findings: Iterable[Finding], entries: Sequence[AcceptedEntry], source: str, today: date
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Mark the findings that entries accept; the second part is what accepts nothing, in words."""
    valid = [one for one in entries if one.until is None or one.until >= today]
    used: set[int] = set()
    marked = []
    for finding in findings:
        covering = [one for one in valid if one.covers(finding)]
        used |= {one.number for one in covering}
        if covering and finding.accepted is None:
            accepted = Acceptance(reason=clean(covering[0].reason, 200), source=source)
            marked.append(replace(finding, accepted=accepted))
        else:
            marked.append(finding)
    unused = tuple(
        f"{source}: {one.describe()} ended on {one.until}"
        if one not in valid
        else f"{source}: {one.describe()} accepts no finding"
        for one in entries
        if one.number not in used
    )
    return tuple(marked), unused


def accept_by_acknowledgement(
    findings: Iterable[Finding], acknowledged: Mapping[str, Mapping[str, str]]
) -> tuple[Finding, ...]:
    """Mark the findings that the CDK app has acknowledged, on a construct or above it."""
    return tuple(_acknowledge(one, acknowledged) for one in findings)


def _acknowledge(finding: Finding, acknowledged: Mapping[str, Mapping[str, str]]) -> Finding:
    if finding.accepted is not None or not acknowledged:
        return finding
    wanted = finding.rule.id
    for path in _list_construct_paths(finding):
        reasons = acknowledged.get(path, {})
        if wanted in reasons:
            accepted = Acceptance(
                reason=clean(reasons[wanted], 200),
                source=f"CDK acknowledgement on {clean(path, 120)}",
            )
            return replace(finding, accepted=accepted)
    return finding


def _list_construct_paths(finding: Finding) -> list[str]:
    """The constructs of a finding with all that they lie in, the innermost first."""
    places: list[Place | None] = [finding.place, *(step.place for step in finding.steps)]
    found: dict[str, None] = {}
    for place in places:
        parts = place.construct_path.split("/") if place and place.construct_path else []
        for length in range(len(parts), 0, -1):
            found["/".join(parts[:length])] = None
    return sorted(found, key=lambda path: -path.count("/"))
