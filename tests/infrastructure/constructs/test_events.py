"""No event of the guard's own wakes the guard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.filters.event_pattern import match_pattern
from functions.domain.filters.symbolic_values import Fields, Listed, OneOf
from functions.domain.iam.likelihood import Likelihood
from functions.domain.notices.events.envelope import SOURCE
from functions.domain.notices.events.record import EventKind
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.test_patterns import resolved

if TYPE_CHECKING:
    from pathlib import Path

    from functions.domain.filters.symbolic_values import Known
    from tests.infrastructure.conftest import Synthesized

GOLDEN = sorted(
    one
    for folder in ("golden", "graph/golden", "diagnosis/golden")
    for one in (ROOT / "tests/unit/domain/notices" / folder).glob("*.json")
)


def known(value: Any) -> Known:
    """A concrete value, of which everything is known."""
    if isinstance(value, dict):
        return Fields({name: known(one) for name, one in value.items()}, is_closed=True)
    if isinstance(value, list):
        return Listed(tuple(map(known, value)))
    return OneOf((value,))


def with_values(pattern: Any) -> Any:
    """A pattern as it is deployed: the account in it is that of the events."""
    match pattern:
        case {"Ref": "AWS::AccountId"}:
            return "123456789012"
        case {"Ref": "AWS::Region"}:
            return "eu-west-1"
        case dict():
            return {name: with_values(one) for name, one in pattern.items()}
        case list():
            return [with_values(one) for one in pattern]
        case _:
            return pattern


def envelope(path: Path) -> dict[str, Any]:
    """An event as rules see it (EventBridge user guide, *Event structure*)."""
    detail = json.loads(path.read_text())
    return {
        "version": "0",
        "id": "4d3b0a1e-1a55-4d1c-8b5e-7f6a2b9c0d11",
        "detail-type": EventKind(detail["kind"]).detail_type,
        "source": SOURCE,
        "account": "123456789012",
        "time": detail["occurred_at"],
        "region": "eu-west-1",
        "resources": [detail["function"]["arn"]] if detail.get("function", {}).get("arn") else [],
        "detail": detail,
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda one: one.stem)
def test_no_rule_of_the_guard_matches_an_event_of_its_own(
    default: Synthesized, full: Synthesized, path: Path
) -> None:
    """Every rule is held against every event that has an example, by the guard's own matcher."""
    event = envelope(path)
    for made in (default, full):
        for rule in made.properties("AWS::Events::Rule"):
            if "EventPattern" in rule:
                pattern = json.dumps(with_values(resolved(rule["EventPattern"])))
                assert match_pattern(pattern, known(event)).passes is Likelihood.NO, rule["Name"]


def test_a_rule_of_a_consumer_does() -> None:
    """The matcher and the examples are good for something: the rule of docs/events.md matches."""
    (pattern, *_) = [
        block.partition("```")[0]
        for block in (ROOT / "docs/events.md").read_text().split("```json\n")[1:]
    ]
    matching = [
        one.stem
        for one in GOLDEN
        if match_pattern(pattern, known(envelope(one))).passes is Likelihood.YES
    ]

    assert "contained" in matching
    assert "restored" not in matching


def test_every_rule_asks_for_sources_of_aws(full: Synthesized) -> None:
    """Nobody but AWS can put an event whose source begins with `aws.`."""
    for rule in full.properties("AWS::Events::Rule"):
        for source in rule.get("EventPattern", {}).get("source", ["aws."]):
            assert source.startswith("aws."), rule["Name"]
