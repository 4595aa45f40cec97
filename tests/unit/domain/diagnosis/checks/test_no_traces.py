"""Traces do not appear: what is reported, and what is somebody's choice."""

from typing import Any

import pytest

from functions.domain.account.inventory import MappingDescription
from functions.domain.diagnosis.checks import no_traces
from functions.domain.diagnosis.facts import FactGap, Part, TracingFacts
from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.remedy import PutInlinePolicy, RemedyKind, SetTracing
from tests.environments import naming
from tests.unit.domain.diagnosis.samples import ARN, allow, deny, facts, role

SEGMENTS, TELEMETRY = "xray:PutTraceSegments", "xray:PutTelemetryRecords"
TRACING_ROLE = role(allow([SEGMENTS, TELEMETRY]))
UPSTREAM = "arn:aws:states:eu-west-1:123456789012:stateMachine:checkout"
KAFKA = "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/0a1b"
EXPECTED = naming(POWERTOOLS_TRACER_CAPTURE_RESPONSE="true")
LAYER = "arn:aws:lambda:eu-west-1:901920570463:layer:aws-otel-python-amd64-ver-1-29-0:1"


def mapping(source_arn: str) -> MappingDescription:
    """An event source mapping of the function."""
    return MappingDescription(uuid="1", function_arn=ARN, source_arn=source_arn)


LACKING: dict[str, tuple[dict[str, Any], tuple[str, ...], Certainty]] = {
    "no rights": (
        {"role": role()},
        (f"identity policy:{SEGMENTS}", f"identity policy:{TELEMETRY}"),
        Certainty.CERTAIN,
    ),
    "no right to put segments": (
        {"role": role(allow(TELEMETRY))},
        (f"identity policy:{SEGMENTS}",),
        Certainty.CERTAIN,
    ),
    "no right to put telemetry": (
        {"role": role(allow(SEGMENTS))},
        (f"identity policy:{TELEMETRY}",),
        Certainty.LIKELY,
    ),
    "explicit Deny": (
        {"role": role(allow("*"), deny("xray:Put*"))},
        (f"explicit Deny:{SEGMENTS}", f"explicit Deny:{TELEMETRY}"),
        Certainty.CERTAIN,
    ),
    "boundary": (
        {"role": role(allow("*"), boundary=[allow("logs:*")])},
        (f"permissions boundary:{SEGMENTS}", f"permissions boundary:{TELEMETRY}"),
        Certainty.CERTAIN,
    ),
}


@pytest.mark.parametrize(("changes", "causes", "certainty"), LACKING.values(), ids=LACKING)
def test_active_without_rights(
    changes: dict[str, Any], causes: tuple[str, ...], certainty: Certainty
) -> None:
    """Active tracing with a role that may not write traces is reported; the cure is only named."""
    finding = no_traces.examine(facts(tracing_mode="Active", **changes))

    assert finding is not None
    assert (finding.causes, finding.certainty) == (tuple(sorted(causes)), certainty)
    assert all(one.named_only for one in finding.remedies)


def test_the_least_statement_needs_a_wildcard_and_is_left_to_people() -> None:
    """X-Ray knows no resources: the statement is shown, and why the guard does not write it."""
    finding = no_traces.examine(facts(tracing_mode="Active", role=role()))

    assert finding is not None
    remedy = finding.remedies[0]
    grant = remedy.steps[0]
    assert isinstance(grant, PutInlinePolicy)
    assert '"Resource":["*"]' in grant.document
    assert "never writes a wildcard" in remedy.named_only
    assert "AWSXRayDaemonWriteAccess" in remedy.alternative


EXPECTATIONS: dict[str, tuple[dict[str, Any], Certainty]] = {
    "a tracer's variable": ({"environment": EXPECTED}, Certainty.CERTAIN),
    "a tracer that is switched on": (
        {"environment": naming(POWERTOOLS_TRACE_DISABLED="false")},
        Certainty.CERTAIN,
    ),
    "a tag": ({"tags": {"Tracing": "active"}}, Certainty.CERTAIN),
    "a layer": ({"tracing": TracingFacts(layers=(LAYER,))}, Certainty.LIKELY),
    "a traced caller": (
        {"tracing": TracingFacts(traced_upstream=(UPSTREAM,))},
        Certainty.LIKELY,
    ),
}


@pytest.mark.parametrize(("changes", "certainty"), EXPECTATIONS.values(), ids=EXPECTATIONS)
def test_passthrough_although_traces_are_expected(
    changes: dict[str, Any], certainty: Certainty
) -> None:
    """Where somebody expects traces, Active is the remedy."""
    finding = no_traces.examine(facts(role=TRACING_ROLE, **changes))

    assert finding is not None
    assert (finding.causes, finding.certainty) == (("passthrough",), certainty)
    assert (finding.remedies[0].kind, finding.remedies[0].steps) == (
        RemedyKind.TRACES,
        (SetTracing(function="orders", to="Active", prior="PassThrough"),),
    )


WELL: dict[str, dict[str, Any]] = {
    "PassThrough by choice": {"role": role()},
    "PassThrough with a tracer that is switched off": {
        "environment": naming(
            POWERTOOLS_TRACER_CAPTURE_RESPONSE="true", POWERTOOLS_TRACE_DISABLED="true"
        )
    },
    "PassThrough with a tag that says so": {
        "environment": EXPECTED,
        "tags": {"tracing": "PassThrough"},
    },
    "a variable that is set to live without traces": {
        "environment": naming(AWS_XRAY_CONTEXT_MISSING="LOG_ERROR")
    },
    "Active with rights": {"tracing_mode": "Active", "role": TRACING_ROLE},
    "Active with rights by wildcard": {"tracing_mode": "Active", "role": role(allow("xray:*"))},
    "Active, role unknown": {"tracing_mode": "Active", "role": None},
    "Active, rights under an unknown condition": {
        "tracing_mode": "Active",
        "role": role(allow("xray:*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    },
    "Active, and what else triggers it is not known": {
        "tracing_mode": "Active",
        "role": TRACING_ROLE,
        "mappings": (mapping(KAFKA),),
        "gaps": (FactGap(part=Part.TRIGGERS, words="AccessDenied"),),
    },
}


@pytest.mark.parametrize("changes", WELL.values(), ids=WELL)
def test_look_alikes(changes: dict[str, Any]) -> None:
    """Choices, and what is not known, are not reported."""
    assert no_traces.examine(facts(**changes)) is None


def test_an_expected_trace_that_also_lacks_rights_is_only_named() -> None:
    """Half a remedy would not show a trace: with rights missing, nothing is switched either."""
    finding = no_traces.examine(facts(role=role(), environment=EXPECTED))

    assert finding is not None
    assert len(finding.causes) == 3
    assert all(one.named_only for one in finding.remedies)


@pytest.mark.parametrize(
    "source", [KAFKA, "kafka-1.example.com:9092", "arn:aws:mq:eu-west-1:123456789012:broker:a:b-1"]
)
def test_sources_without_tracing_are_said(source: str) -> None:
    """A function that only such a source invokes shows no traces whatever its settings."""
    under = facts(
        tracing_mode="Active",
        role=TRACING_ROLE,
        mappings=(mapping(source),),
    )
    finding = no_traces.examine(under)

    assert finding is not None
    assert (finding.causes, finding.certainty) == (("untraced_source",), Certainty.LIKELY)
    assert "does not support tracing" in finding.evidence[0].compose_sentence()


def test_a_source_with_tracing_beside_it_proves_nothing() -> None:
    """Where another source could have been traced, the untraced one is not blamed."""
    queue = mapping("arn:aws:sqs:eu-west-1:123456789012:orders-in")
    under = facts(
        tracing_mode="Active",
        role=TRACING_ROLE,
        mappings=(mapping(KAFKA), queue),
    )

    assert no_traces.examine(under) is None


@pytest.mark.parametrize(
    ("changes", "conclusive"),
    [
        ({}, True),
        ({"environment": EXPECTED}, False),
        ({"tracing_mode": "Active", "role": TRACING_ROLE}, True),
        ({"tracing_mode": "Active", "role": None}, False),
    ],
)
def test_when_silence_of_the_check_means_health(
    changes: dict[str, Any],
    conclusive: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """It does when traces are seen, are not expected, or nothing stands in their way."""
    assert no_traces.is_conclusive(facts(**changes)) is conclusive
