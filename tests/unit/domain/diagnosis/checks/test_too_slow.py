"""Execution takes too long: what is reported, and what is merely slow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.account.inventory import MappingDescription
from functions.domain.diagnosis.checks import too_slow
from functions.domain.diagnosis.facts import InvokerKind
from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.remedy import RemedyKind, SetMemory, SetTimeout
from tests.unit.domain.diagnosis.samples import ARN, IDLE, facts, reports, rule, traffic

SLOW = traffic(p95_duration_ms=2_700, max_duration_ms=2_950)
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders-in"

FOUND: dict[str, tuple[dict[str, Any], tuple[str, ...], Certainty]] = {
    "p95 near the timeout": ({"traffic": SLOW}, ("near_timeout",), Certainty.CERTAIN),
    "p95 at the threshold": (
        {"traffic": traffic(p95_duration_ms=2_400)},
        ("near_timeout",),
        Certainty.CERTAIN,
    ),
    "timeouts": (
        {"reports": reports(timeouts=40), "traffic": traffic(max_duration_ms=3_000)},
        ("timeouts",),
        Certainty.CERTAIN,
    ),
    "its only invocation timed out": (
        {
            "reports": reports(reports=1, timeouts=1),
            "traffic": traffic(invocations=1, p95_duration_ms=3_000),
        },
        ("timeouts",),
        Certainty.CERTAIN,
    ),
    "memory nearly full": (
        {"reports": reports(max_memory_used_mb=470)},
        ("memory_full",),
        Certainty.LIKELY,
    ),
    "killed for want of memory": (
        {"reports": reports(max_memory_used_mb=512, out_of_memory=60)},
        ("memory_full", "out_of_memory"),
        Certainty.CERTAIN,
    ),
    "known by REPORT lines only": (
        {"traffic": None, "reports": reports(p95_duration_ms=2_900)},
        ("near_timeout",),
        Certainty.CERTAIN,
    ),
}
WELL: dict[str, dict[str, Any]] = {
    "fast": {},
    "slow and far from its timeout": {
        "traffic": traffic(p95_duration_ms=200_000, max_duration_ms=250_000),
        "timeout_seconds": 900,
    },
    "just below the threshold": {"traffic": traffic(p95_duration_ms=2_399)},
    "one timeout among thousands": {"reports": reports(timeouts=1)},
    "too few to have a p95": {"traffic": traffic(invocations=5, p95_duration_ms=2_900)},
    "never invoked": {"traffic": IDLE},
    "unknown": {"traffic": None},
    "memory used is unknown": {"reports": reports(max_memory_used_mb=None)},
}


@pytest.mark.parametrize(("changes", "causes", "certainty"), FOUND.values(), ids=FOUND)
def test_found(changes: dict[str, Any], causes: tuple[str, ...], certainty: Certainty) -> None:
    """Timeouts, a p95 near the timeout and used up memory are reported."""
    finding = too_slow.examine(facts(**changes))

    assert finding is not None
    assert (finding.causes, finding.certainty) == (causes, certainty)


@pytest.mark.parametrize("changes", WELL.values(), ids=WELL)
def test_look_alikes(changes: dict[str, Any]) -> None:
    """Slow is not too slow, and what is not known is not reported."""
    assert too_slow.examine(facts(**changes)) is None


def test_more_memory_with_its_price_in_both_directions() -> None:
    """The remedy doubles the memory and says what it costs if it helps and if it does not."""
    finding = too_slow.examine(facts(traffic=SLOW, reports=reports(mean_billed_ms=1_000)))

    assert finding is not None
    remedy = finding.remedies[0]
    assert remedy.kind is RemedyKind.MEMORY
    assert remedy.steps == (SetMemory(function="orders", to=1_024, prior=512),)
    # 0.5 GB for 1 s: $0.0000083 each, and $0.20 for the requests.
    assert (
        "A million invocations cost $8.53 now; then $16.87 if it takes as long as now (98 % more),"
        " $8.53 if it takes half as long (about the same)."
    ) in remedy.words


@pytest.mark.parametrize(
    ("present", "ceiling", "to"),
    [(128, None, 256), (512, 1_024, 1_024), (800, 1_024, 1_024), (6_000, None, 10_240),
     (10_240, None, None), (1_024, 1_024, 2_048), (1_024, 512, 2_048)],
)  # fmt: skip
def test_memory_to_try_next(present: int, ceiling: int | None, to: int | None) -> None:
    """Double, within AWS's limits and the operator's; a ceiling that is reached limits nothing."""
    under = facts(memory_mb=present, memory_ceiling_mb=ceiling)

    assert too_slow.choose_next_memory(under) == to


@given(present=st.integers(128, 10_240), ceiling=st.none() | st.integers(128, 10_240))
def test_memory_stays_within_limits(present: int, ceiling: int | None) -> None:
    """What is tried next is always more, at most double, and at most 10,240 MB."""
    to = too_slow.choose_next_memory(facts(memory_mb=present, memory_ceiling_mb=ceiling))

    assert to is None or present < to <= min(2 * present, 10_240)


def test_a_cpu_bound_function_gets_a_hint_only() -> None:
    """Memory to spare below one vCPU is said, and is no finding by itself."""
    under = facts(traffic=SLOW, reports=reports(max_memory_used_mb=100))
    finding = too_slow.examine(under)

    assert finding is not None
    said = [one.compose_sentence() for one in finding.evidence]
    assert any("CPU may be what it is short of" in one and "1,769 MB" in one for one in said)
    assert too_slow.examine(facts(reports=reports(max_memory_used_mb=100))) is None


def test_with_a_vcpu_and_memory_to_spare_more_memory_is_only_named() -> None:
    """Where more memory is not known to help, the guard does not spend money on it."""
    under = facts(traffic=SLOW, reports=reports(max_memory_used_mb=300), memory_mb=3_008)
    finding = too_slow.examine(under)

    assert finding is not None
    assert finding.remedies[0].named_only


def test_the_timeout_is_only_named_with_what_depends_on_it() -> None:
    """A longer timeout is advice, with API Gateway's limit and the queue's visibility timeout."""
    mapping = MappingDescription(uuid="1", function_arn=ARN, source_arn=QUEUE)
    under = facts(
        traffic=traffic(p95_duration_ms=28_000),
        timeout_seconds=30,
        triggers=(rule(kind=InvokerKind.API),),
        mappings=(mapping,),
    )
    finding = too_slow.examine(under)

    assert finding is not None
    advice = finding.remedies[1]
    assert advice.steps == (SetTimeout(function="orders", to=56, prior=30),)
    assert advice.named_only
    assert "API Gateway waits 29 s" in advice.words
    assert "visibility timeout of six times that, 336 s" in advice.words


def test_at_the_longest_timeout_the_work_is_to_be_split() -> None:
    """There is no longer timeout than 900 s."""
    finding = too_slow.examine(facts(traffic=traffic(p95_duration_ms=890_000), timeout_seconds=900))

    assert finding is not None
    assert "split the work" in finding.remedies[1].words


def test_cold_starts_are_said_where_they_matter() -> None:
    """The start is worth a word when it is long beside the work."""
    statistics = reports(init_count=300, mean_init_ms=2_000, timeouts=50)
    finding = too_slow.examine(facts(reports=statistics))

    assert finding is not None
    assert any("Cold starts (300 of 4,000" in one.compose_sentence() for one in finding.evidence)


@pytest.mark.parametrize(
    ("changes", "conclusive"),
    [
        ({}, True),
        ({"traffic": IDLE}, False),
        ({"traffic": traffic(p95_duration_ms=2_200)}, False),
        ({"reports": reports(max_memory_used_mb=430)}, False),
        ({"reports": reports(timeouts=1)}, False),
    ],
)
def test_between_two_thresholds_nothing_changes(
    changes: dict[str, Any],
    conclusive: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """A finding is over well below the thresholds only, so that it does not flap."""
    assert too_slow.is_conclusive(facts(**changes)) is conclusive
