"""The matchers give the answers of other implementations, or none: never the opposite."""

from __future__ import annotations

import json
import lzma
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from functions.domain.account.inventory import NamedPolicy, Role
from functions.domain.filters.event_pattern import match_pattern
from functions.domain.filters.symbolic_values import Fields, Listed, OneOf
from functions.domain.iam.access import Access, evaluate_identity, read_identity
from functions.domain.iam.likelihood import Likelihood
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from functions.domain.filters.symbolic_values import Known

_DECIDED: Final = {Likelihood.YES: True, Likelihood.NO: False, Likelihood.MAYBE: None}
_ALLOWED: Final = {Access.ALLOWED: True, Access.DENIED: False, Access.POSSIBLE: None}


class Agreement:
    """Counts the cases, and keeps the ones in which the two contradict each other."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[object] = []

    def add(self, case: object, expected: bool, found: bool | None) -> None:  # noqa: FBT001
        """Hold an answer (``None``: undecided) against the other one."""
        self.counts["cases"] += 1
        if found is None:
            self.counts["undecided"] += 1
        elif found is expected:
            self.counts["agreed"] += 1
        else:
            self.wrong.append(case)

    def told(self, what: str) -> str:
        """The counts in a line."""
        names = ("cases", "agreed", "undecided")
        counts = ", ".join(f"{name} {self.counts[name]}" for name in names)
        return f"{what}: {counts}, wrong {len(self.wrong)}"


def known(value: Any) -> Known:
    """A concrete value: everything about it is known, but for what ``a.b`` may stand for."""
    if isinstance(value, dict):
        fields = {name: known(one) for name, one in value.items()}
        return Fields(fields, is_closed=not any("." in name for name in fields))
    if isinstance(value, list):
        return Listed(tuple(map(known, value)))
    return OneOf((value,))


def test_event_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    """AWS's own matcher of event patterns."""
    agreement = Agreement()
    for record in json.loads(shared("oracles/event_patterns.json").read_text(encoding="utf-8")):
        found = match_pattern(json.dumps(record["pattern"]), known(record["event"])).passes
        agreement.add(record, record["matches"], _DECIDED[found])

    with capsys.disabled():
        sys.stdout.write(f"\n{agreement.told('event patterns')}\n")
    assert agreement.counts["cases"] > 0
    assert not agreement.wrong


def _policies(record: dict[str, Any], key: str) -> Iterator[NamedPolicy]:
    for number, document in enumerate(record[key] or ()):
        yield NamedPolicy(name=f"{key} {number}", text=json.dumps(document))


def test_iam_decisions(capsys: pytest.CaptureFixture[str]) -> None:
    """An independent simulator of IAM."""
    agreement = Agreement()
    with lzma.open(shared("oracles/iam_decisions.json.xz"), "rt", encoding="utf-8") as file:
        records = json.load(file)
    for record in records:
        request = record["request"]
        (boundary,) = (*_policies(record, "permissionBoundaries"), None)[:1]
        role = Role(
            arn=request["principal"],
            policies=tuple(_policies(record, "identityPolicies")),
            boundary=boundary,
        )
        context = {
            key: (value,) if isinstance(value, str) else tuple(value)
            for key, value in request["context"].items()
        }
        answer = evaluate_identity(
            read_identity(role), request["action"], request["resource"]["resource"], context
        )
        agreement.add(record, record["expected"] == "Allowed", _ALLOWED[answer.access])

    with capsys.disabled():
        sys.stdout.write(f"\n{agreement.told('decisions of IAM')}\n")
    assert agreement.counts["cases"] > 0
    assert not agreement.wrong
