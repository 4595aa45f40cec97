"""The function that the samples are about, and the account around it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.detection.assessment import (
    Assessment,
    Ground,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import EdgeFact, LoopStatus
from functions.domain.graph.model import Doubt
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.policy import Response
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.graph.text import OR_DISABLE, describe_doubt
from functions.domain.notices.notice import Deployment, NoticeContext

NOW: Final = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)


FUNCTION: Final = "orders-enricher"


HOME: Final = "eu-west-1:123456789012"


ARN: Final = f"arn:aws:lambda:{HOME}:function:{FUNCTION}"


TABLE_STREAM: Final = f"arn:aws:dynamodb:{HOME}:table/orders/stream/2026-01-12T09:30:00.000"


QUEUE: Final = f"arn:aws:sqs:{HOME}:orders-in"


TOPIC: Final = f"arn:aws:sns:{HOME}:orders-failed"


STREAM_MAPPING: Final = "0b3d1e9a-52c4-4b7e-9d58-2f1f6b1c7a10"


QUEUE_MAPPING: Final = "7f2a4c11-8e0d-4a52-b6b9-90c3d5e8f422"


ALICE: Final = "arn:aws:sts::123456789012:assumed-role/Admin/alice"


TRIGGERS: Final = (
    Trigger(
        kind=TriggerKind.STREAM,
        service="DynamoDB stream",
        source_arn=TABLE_STREAM,
        mapping_uuid=STREAM_MAPPING,
    ),
    Trigger(kind=TriggerKind.SQS, service="SQS", source_arn=QUEUE, mapping_uuid=QUEUE_MAPPING),
    Trigger(kind=TriggerKind.ASYNC, service="S3", source_arn="arn:aws:s3:::order-uploads"),
)


DEPLOYMENT: Final = Deployment(
    region="eu-west-1",
    account="123456789012",
    account_alias="prod-eu",
    stack_name="Loopbreaker",
    deploy_flags="-c email=ops@example.com",
)


HOLDING: Final = replace(DEPLOYMENT, response=Response.HOLD, patience=timedelta(minutes=15))


CONTEXT: Final = NoticeContext(
    deployment=DEPLOYMENT,
    triggers=TRIGGERS,
    is_async_target_known=True,
    loop=LoopStatus(
        proof=LoopProof.CERTAIN,
        drawing="orders-table ─stream▶ orders-enricher ─PutItem▶ orders-table",
        closed_by=(
            (
                "orders-table ─stream▶ orders-enricher: event source mapping"
                " 2b6f1e7c-0000-4000-8000-000000000001, every record passes"
            ),
            (
                "orders-enricher ─PutItem▶ orders-table: statement WriteOrders of the policy"
                " orders-enricher-inline"
            ),
        ),
        broken_by="let orders-enricher write to another table than orders-table (statement"
        " WriteOrders), or filter the records that it writes itself out of its event source"
        " mapping",
        at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
        key="3f9c1d5be07a4426",
        steps=(
            EdgeFact(
                source="orders-table",
                source_kind="table",
                target=FUNCTION,
                target_kind="function",
                means="event source mapping",
                label="stream",
                certainty="certain",
            ),
            EdgeFact(
                source=FUNCTION,
                source_kind="function",
                target="orders-table",
                target_kind="table",
                means="permission",
                label="PutItem",
                certainty="certain",
            ),
        ),
    ),
)


NOT_RULED_OUT: Final = LoopStatus(
    not_ruled_out=tuple(map(describe_doubt, (Doubt.HTTP, Doubt.ROLE))),
    at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
)


QUEUE_LOOP: Final = LoopStatus(
    proof=LoopProof.POSSIBLE,
    drawing="orders-in ─SQS▶ orders-enricher ╌SendMessage▷ orders-in",
    broken_by=f"Give event source mapping {QUEUE_MAPPING} of queue orders-in a filter that"
    f" excludes what orders-enricher may write{OR_DISABLE}",
    at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
)


def assessed(verdict: Verdict = Verdict.RUNAWAY, function: str = FUNCTION) -> Assessment:
    """A verdict on a function that suddenly runs 14,800 times a minute."""
    proof = (
        Ground(reason=Reason.LOOP_PROVEN)
        if verdict is Verdict.RUNAWAY
        else Ground(reason=Reason.NO_PRECEDENT, value=14_800, unit=Unit.PER_MINUTE, reference=112)
    )
    return Assessment(
        function=function,
        verdict=verdict,
        at=NOW - timedelta(minutes=1),
        grounds=(
            proof,
            Ground(reason=Reason.ABOVE_RECENT, value=14_800, unit=Unit.PER_MINUTE, reference=41),
            Ground(reason=Reason.SUSTAINED, value=6, unit=Unit.MINUTES),
        ),
        rate_per_minute=14_800,
        normal_per_minute=35,
        since=NOW - timedelta(minutes=7),
        normal_concurrency=5,
        mean_duration_ms=2_400,
        invocations_since=81_000,
    )


def told(
    decided: DecisionReason, verdict: Verdict = Verdict.RUNAWAY, function: str = FUNCTION
) -> Incident:
    """An incident of which people are only told."""
    return Incident(
        id=incident_id(function, NOW),
        function=function,
        function_arn=f"arn:aws:lambda:{HOME}:function:{function}",
        state=IncidentState.NOTIFIED,
        opened_at=NOW,
        updated_at=NOW,
        assessment=assessed(verdict, function),
        decided=decided.value,
        memory_mb=1024,
        timeout_seconds=300,
    )
