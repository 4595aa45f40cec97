"""Facts of functions: what is asked of which, and what a missing answer leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.account.inventory import Area, Gap
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.collection.details import FunctionDetails, LogGroup
from functions.domain.diagnosis.collection.failure_metrics import query_rule_failures
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.collection.metric_queries import MetricQuery
from functions.domain.diagnosis.collection.traffic import query_invocations
from functions.domain.diagnosis.facts import (
    DenialSource,
    DeniedCall,
    FoundTrigger,
    InvokedVersion,
    InvokerKind,
    Part,
    ReportStatistics,
)
from functions.domain.errors import BusyError, MetricsUnavailableError, RefusedError
from tests.environments import naming
from tests.fake_diagnosis import NOON, Ward, facts_of, open_ward
from tests.unit.domain.diagnosis.samples import allow

if TYPE_CHECKING:
    from functions.domain.diagnosis.facts import FunctionUnderDiagnosis

DENIED = RefusedError("AccessDenied: not you")


@pytest.fixture
def ward() -> Ward:
    """An account with one healthy function that was invoked."""
    return open_ward()


def entries(ward: Ward, name: str = "orders") -> list[str]:
    """What the checks make of the facts."""
    return [one.entry for one in examine(facts_of(ward, name)).findings]


# -- few questions


def test_a_healthy_function_is_not_looked_at_closely(ward: Ward) -> None:
    """Metrics and lists tell that nothing is wrong: nothing is asked of it alone."""
    facts = facts_of(ward)

    assert examine(facts).findings == ()
    assert facts.gaps == ()
    assert [ward.asked[one] for one in ("details", "logs", "read_reports", "simulator")] == [0] * 4


@pytest.mark.thorough
def test_a_thousand_functions_take_some_dozen_questions() -> None:
    """Metrics are asked for all functions together."""
    ward = Ward()
    for number in range(1000):
        ward.add(f"f{number}")
        ward.invoked(f"f{number}")

    collector = ward.collector()
    count = sum(1 for _ in collector.facts(collector.names(), NOON))

    assert count == 1000
    assert sum(ward.asked.values()) < 10


# -- each entry's own questions


def test_a_silent_function(ward: Ward) -> None:
    """Its log group, its logging configuration and its role are asked about."""
    ward.add("orders", allow("s3:GetObject"))
    ward.invoked("orders", logged=False)
    ward.series = {
        one: points for one, points in ward.series.items() if "Logs" not in one.namespace
    }
    ward.groups["/aws/lambda/orders"] = LogGroup(name="/aws/lambda/orders")
    ward.details_["orders"] = FunctionDetails(system_log_level="WARN", description="takes orders")

    facts = facts_of(ward)

    group = facts.log_group
    assert group is not None
    assert (group.exists, group.has_events) == (True, False)
    assert group.system_log_level == "WARN"
    assert facts.description == "takes orders"
    assert {one.action for one in facts.simulations} == {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


def test_a_function_without_its_log_group(ward: Ward) -> None:
    """That there is none is a fact."""
    ward.add("orders", allow("s3:GetObject"))
    ward.series.clear()
    ward.invoked("orders", logged=False)

    assert entries(ward) == ["no_logs"]
    group = facts_of(ward).log_group
    assert group is not None
    assert group.exists is False


def test_a_function_that_was_never_invoked_is_not_asked_for_logs(ward: Ward) -> None:
    """It has none because it did nothing."""
    ward.add("orders", allow("s3:GetObject"))
    ward.series.clear()

    assert entries(ward) == []
    assert ward.asked["logs"] == 0


def test_a_shared_log_group_proves_nothing_of_one_function(ward: Ward) -> None:
    """What another function wrote is not taken for its own."""
    for name in ("orders", "other"):
        ward.add(name, log_group="/shop/all")
        ward.invoked(name)

    group = facts_of(ward).log_group

    assert group is not None
    assert group.has_events is None


def test_a_slow_function(ward: Ward) -> None:
    """Its REPORT lines are read, from half of the timeout on."""
    ward.record("Duration", "orders", (NOON - timedelta(hours=1), 1600.0), statistic="Maximum")
    ward.reported["/aws/lambda/orders"] = ReportStatistics(reports=5, timeouts=1)

    facts = facts_of(ward)

    assert facts.reports == ReportStatistics(reports=5, timeouts=1)


def test_a_failing_function(ward: Ward) -> None:
    """What runs out of memory fails, however short it runs."""
    ward.record("Errors", "orders", (NOON - timedelta(hours=1), 1.0))

    facts_of(ward)

    assert ward.asked["read_reports"] == 1


def test_a_traced_function_without_rights(ward: Ward) -> None:
    """AWS's simulator is asked where our own evaluation finds something."""
    ward.add("orders", tracing_mode="Active")

    facts = facts_of(ward)

    assert {one.action for one in facts.simulations} == {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


def test_who_was_denied_is_simulated(ward: Ward) -> None:
    """A caller that CloudTrail told of, with what AWS says of its rights."""
    caller = "arn:aws:iam::123456789012:role/caller"
    call = DeniedCall(source=DenialSource.CLOUDTRAIL, principal_arn=caller, last_at=NOON)
    ward.guard = GuardState(denials={"orders": (call,)})

    facts = facts_of(ward)

    assert facts.denials == (call,)
    assert [one.principal_arn for one in facts.simulations] == [caller]
    assert entries(ward) == ["not_authorized"]


def test_callers_with_the_right_are_not_simulated(ward: Ward) -> None:
    """A function that names this one and may invoke it costs no question."""
    orders = ward.functions["orders"]
    ward.add(
        "caller",
        allow("lambda:InvokeFunction", orders.arn),
        environment=naming(TARGET=orders.arn),
    )

    facts = facts_of(ward)

    assert [one.arn for one in facts.callers] == [ward.functions["caller"].arn]
    assert ward.asked["simulator"] == 0


def test_a_state_machine_that_fails_for_want_of_the_right(ward: Ward) -> None:
    """Its failures are evidence, because its role may not invoke the function."""
    machine = ward.add_machine("order-flow", "orders", allow("s3:GetObject"))
    asked = MetricQuery(
        namespace="AWS/States",
        metric="ExecutionsFailed",
        dimensions=(("StateMachineArn", machine.arn),),
    )
    ward.series[asked] = ((NOON - timedelta(hours=2), 6.0),)

    facts = facts_of(ward)

    (denied,) = facts.denials
    assert (denied.source, denied.count) == (DenialSource.STATE_MACHINE, 6)
    assert entries(ward) == ["not_authorized"]


def test_a_state_machine_that_fails_for_another_reason(ward: Ward) -> None:
    """Its role may invoke the function: its failures are none of ours, and not asked for."""
    orders = ward.functions["orders"]
    ward.add_machine("order-flow", "orders", allow("lambda:InvokeFunction", orders.arn))
    before = ward.asked["metrics"]

    facts = facts_of(ward)

    assert facts.denials == ()
    assert ward.asked["metrics"] - before <= 4
    assert entries(ward) == []


def test_a_rule_that_fails(ward: Ward) -> None:
    """Its target does not admit it, and EventBridge counted that."""
    rule = ward.add_rule("nightly", "orders")
    ward.series[query_rule_failures(rule)] = ((NOON - timedelta(hours=2), 4.0),)

    facts = facts_of(ward)

    assert [one.failed_invocations for one in facts.triggers] == [4]
    assert entries(ward) == ["not_invocable"]


def test_a_failing_rule_whose_targets_were_left_out(ward: Ward) -> None:
    """They are asked for, of this rule only."""
    ward.add_rule("quiet", "orders", is_hidden=True)
    rule = ward.add_rule("nightly", "orders", is_hidden=True)
    ward.series[query_rule_failures(rule)] = ((NOON - timedelta(hours=2), 4.0),)

    assert entries(ward) == ["not_invocable"]
    assert ward.asked["find_targets"] == 1


def test_an_alarm_that_is_not_let_in(ward: Ward) -> None:
    """Alarms are triggers, too."""
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"
    ward.alarm_triggers["orders"] = (
        FoundTrigger(
            kind=InvokerKind.ALARM,
            principal="lambda.alarms.cloudwatch.amazonaws.com",
            source_arn=arn,
            source_account="123456789012",
        ),
    )

    assert entries(ward) == ["not_invocable"]


# -- who is who


def test_exempt_contained_and_own_functions(ward: Ward) -> None:
    """By tag or by flag; what the guard holds; and its own are not examined at all."""
    ward.add("tagged", tags={"loopbreaker:exempt": " True "})
    ward.add("flagged")
    ward.add("held")
    ward.add("Loopbreaker-contain")
    ward.guard = GuardState(
        contained=frozenset({"held"}),
        exempt=frozenset({"flagged"}),
        own=frozenset({"Loopbreaker-contain"}),
    )
    collector = ward.collector()

    found = {one.name: one for one in collector.facts(tuple(ward.functions), NOON)}

    assert set(found) == set(collector.names()) == {"orders", "tagged", "flagged", "held"}
    assert {name for name, one in found.items() if one.is_exempt} == {"tagged", "flagged"}
    assert {name for name, one in found.items() if one.is_contained} == {"held"}


def test_who_calls_it_with_active_tracing(ward: Ward) -> None:
    """A traced caller shows that somebody expects traces."""
    orders = ward.functions["orders"]
    ward.add("caller", environment=naming(TARGET=orders.arn), tracing_mode="Active")

    assert facts_of(ward).tracing.traced_upstream == (ward.functions["caller"].arn,)


# -- versions and aliases


def slow_by_alias(ward: Ward) -> FunctionUnderDiagnosis:
    """A slow function with an alias, whose version has another configuration than $LATEST."""
    ward.versions["orders", "live"] = FunctionDetails(memory_mb=256, timeout_seconds=5, version="7")
    ward.record("Duration", "orders", (NOON - timedelta(hours=1), 2900.0), statistic="Maximum")
    ward.reported["/aws/lambda/orders"] = ReportStatistics(reports=100, timeouts=50)
    return facts_of(ward)


def test_a_version_that_is_invoked_most_is_judged(ward: Ward) -> None:
    """Memory and timeout are those of the version behind the alias, not those of $LATEST."""
    ward.series[query_invocations("orders", "live")] = ((NOON - timedelta(hours=1), 90.0),)
    facts = slow_by_alias(ward)

    assert facts.qualifiers == ("live",)
    assert facts.version == InvokedVersion(qualifier="live", version="7")
    assert (facts.function.memory_mb, facts.function.timeout_seconds) == (256, 5)


def test_an_alias_that_nobody_invokes_changes_only_who_applies_the_remedy(ward: Ward) -> None:
    """Where CloudWatch counts nothing for it, $LATEST is judged, and the alias is known."""
    facts = slow_by_alias(ward)

    assert facts.qualifiers == ("live",)
    assert facts.version is None
    assert facts.function.memory_mb == 128


def test_an_alias_that_a_trigger_names_is_taken_to_be_invoked(ward: Ward) -> None:
    """So the remedy is left to people, even if CloudWatch counted it in another way."""
    ward.add_schedule("nightly", "orders", qualifier="live")
    facts = slow_by_alias(ward)

    assert facts.version == InvokedVersion(qualifier="live", version="7")


def test_a_qualifier_that_leads_nowhere_is_no_version(ward: Ward) -> None:
    """A trigger of an alias that was deleted does not hide the function."""
    ward.add_schedule("nightly", "orders", qualifier="gone")
    ward.record("Duration", "orders", (NOON - timedelta(hours=1), 2900.0), statistic="Maximum")
    facts = facts_of(ward)

    assert facts.qualifiers == ("gone",)
    assert facts.version is None


def test_aliases_that_are_refused_are_a_gap(ward: Ward) -> None:
    """Nobody takes the silence for an account without aliases."""
    ward.refusals["read_aliases"] = DENIED

    assert slow_by_alias(ward).lacks(Part.VERSIONS)


def test_who_is_well_is_not_asked_for_aliases(ward: Ward) -> None:
    """It takes a call for each finding, and none for what is only looked at closely."""
    ward.record("Duration", "orders", (NOON - timedelta(hours=1), 2900.0), statistic="Maximum")
    facts_of(ward)

    assert ward.asked["read_aliases"] == 0


# -- what is not told


@pytest.mark.parametrize(
    ("reader", "error", "part"),
    [
        ("metrics", MetricsUnavailableError("AccessDenied: not you"), Part.TRAFFIC),
        ("alarms", DENIED, Part.TRIGGERS),
        ("logs", DENIED, Part.LOG_GROUP),
        ("details", BusyError("Rate exceeded"), Part.FUNCTION),
        ("simulator", DENIED, Part.SIMULATIONS),
    ],
)
def test_what_is_refused_is_a_gap(ward: Ward, reader: str, error: Exception, part: Part) -> None:
    """The part is missing in AWS's words, and the rest is there."""
    ward.add("orders", allow("s3:GetObject"))
    ward.series.clear()
    ward.invoked("orders", logged=False)
    ward.refusals[reader] = error

    facts = facts_of(ward)

    assert facts.lacks(part)
    assert any(str(error) in gap.words for gap in facts.gaps)
    assert facts.name == "orders"


def test_reports_that_are_refused_are_a_gap(ward: Ward) -> None:
    """The metrics still tell how slow it is."""
    ward.record("Duration", "orders", (NOON - timedelta(hours=1), 2900.0), statistic="Maximum")
    ward.refusals["read_reports"] = DENIED

    facts = facts_of(ward)

    assert facts.lacks(Part.REPORTS)
    assert facts.traffic is not None


def test_areas_that_could_not_be_read_silence_their_checks(ward: Ward) -> None:
    """A gap of the account is one of each function that needs the area."""
    ward.gaps = (
        Gap(area=Area.ROLES, words="AccessDenied", action="iam:GetAccountAuthorizationDetails"),
        Gap(area=Area.POLICIES, words="AccessDenied", resource="orders"),
        Gap(area=Area.POLICIES, words="AccessDenied", resource="other"),
    )

    facts = facts_of(ward)

    assert facts.lacks(Part.ROLE)
    assert facts.lacks(Part.RESOURCE_POLICY)
    assert len([gap for gap in facts.gaps if gap.part is Part.RESOURCE_POLICY]) == 1


def test_a_role_that_is_missing_is_a_gap(ward: Ward) -> None:
    """So is a resource policy that was not read."""
    ward.roles.clear()
    ward.functions["orders"] = replace(ward.functions["orders"], is_policy_known=False)

    facts = facts_of(ward)

    assert facts.role is None
    assert facts.lacks(Part.ROLE)
    assert facts.lacks(Part.RESOURCE_POLICY)


def test_a_function_that_is_deleted_meanwhile_is_left_out(ward: Ward) -> None:
    """The others are examined all the same."""
    ward.add("gone", tracing_mode="Active")
    collector = ward.collector()
    ward.functions.pop("gone")

    assert [one.name for one in collector.facts(("gone", "orders"), NOON)] == ["orders"]
