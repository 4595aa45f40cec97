"""Every mail about incidents, by its name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from functions.domain.account.limits import AccountLimits
from functions.domain.account.origin import FunctionOrigin
from functions.domain.changes.steps import (
    ProvisionedConcurrency,
)
from functions.domain.deployment.guard_protection import (
    LeaveUnprotected,
    compose_unprotected_notice,
    describe_too_small,
)
from functions.domain.detection.assessment import (
    Ground,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.detection.evidence import FunctionFacts, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import NOTHING_KNOWN
from functions.domain.holding.grounds import (
    explain_not_held,
)
from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.outcomes import (
    CannotTell,
    ReleaseReason,
    Shown,
    UntoldReason,
)
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.notices.events.guard import (
    describe_doubtful_tag,
    describe_functions_left,
    describe_guard_unprotected,
    describe_unreadable_record,
    describe_unreadable_tag,
)
from functions.domain.notices.events.incident import describe_stop_without_ledger
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.incident.tags import compose_doubtful_tag, compose_unreadable_tag
from functions.domain.notices.incident.unreadable_record import compose_unreadable_record
from functions.domain.notices.layout import mark_as_repeated
from functions.domain.notices.notice import Notice, with_event
from functions.domain.notices.stack_deletion import compose_functions_left
from functions.domain.probation.record import ProbationOutcome
from tests.unit.domain.notices.samples.account import (
    ARN,
    CONTEXT,
    DEPLOYMENT,
    FUNCTION,
    HOLDING,
    NOT_RULED_OUT,
    NOW,
    QUEUE_LOOP,
    TRIGGERS,
    assessed,
    told,
)
from tests.unit.domain.notices.samples.holds import (
    CALLERS,
    FIGURES,
    after_probation,
    cap_ended,
    cap_put_back,
    capped_in_danger,
    ended,
    expiring,
    held,
    held_after_probation,
    held_instead,
    judged,
    let_go,
    on_probation,
    put_back,
    refused_while_paused,
    restored_after_hold,
    stopped_after_hold,
    withdrawn,
    would_be_capped,
)
from tests.unit.domain.notices.samples.stops import (
    contained,
    contained_in_part,
    ledgerless,
    on_instances,
    order_refused,
    ordered,
    refused,
    refused_under_cap,
    released,
    released_on_instances,
    restored,
    restored_after_cap,
    unrestored,
)


def observed(transition: Transition, incident: Incident, **changes: object) -> Notice:
    """A notice with a changed context."""
    return compose_notice(transition, incident, replace(CONTEXT, **changes), NOW)  # type: ignore[arg-type]


def not_held(
    why: NotHeld,
    *,
    is_certain: bool = False,
    reason: DecisionReason = DecisionReason.CANNOT_BE_HELD,
) -> Notice:
    """A notice that a function cannot be held."""
    incident = told(reason, Verdict.SUSPECTED)
    first = incident.assessment
    proof = (Ground(reason=Reason.LOOP_PROVEN),) if is_certain else ()
    grounds = (explain_not_held(why), *proof, *first.grounds)
    return observed(
        Transition.NOTIFIED,
        replace(incident, assessment=replace(first, grounds=grounds)),
        deployment=HOLDING,
        loop=CONTEXT.loop if is_certain else QUEUE_LOOP,
    )


def _told(reason: DecisionReason, verdict: Verdict = Verdict.RUNAWAY, **changes: object) -> Notice:
    return observed(Transition.NOTIFIED, told(reason, verdict), **changes)


def _again() -> Notice:
    return mark_as_repeated(observed(Transition.RESTORED, restored()))


TAGGED: Final = TaggedSnapshot(
    reserved_concurrency=40,
    at=NOW - timedelta(minutes=34),
    provisioned=(ProvisionedConcurrency(qualifier="live", requested=5),),
)


def tagged(value: str = "") -> FunctionFacts:
    """A function with a tag that looks like the guard's."""
    return FunctionFacts(
        name=FUNCTION,
        arn=ARN,
        memory_mb=512,
        timeout_seconds=30,
        reserved_concurrency=0,
        tags=MappingProxyType({SNAPSHOT_TAG: value} if value else TAGGED.to_tags()),
    )


STRANGE_TAG: Final = "v2 aws lambda delete-function --function-name orders"


LEFT_HELD: Final = (contained(hours=26), contained(function="billing-sync", prior=10, hours=1))


def without_ledger(incident: Incident, detail: str, *, is_tagged: bool) -> Notice:
    """A notice of a stop that no record holds."""
    context = replace(CONTEXT, detail=detail)
    said = compose_ledger_unavailable(
        incident,
        context,
        NOW,
        is_tagged=is_tagged,
        tag_key="loopbreaker:snapshot" if is_tagged else "",
    )
    return with_event(said, describe_stop_without_ledger(incident, context, NOW))


def _unprotected() -> Notice:
    limits = AccountLimits(concurrency=10, unreserved=10, functions=7)
    text = describe_too_small(LeaveUnprotected(limits=limits, wanted=7))
    notice = compose_unprotected_notice("Loopbreaker", text)
    return with_event(notice, describe_guard_unprotected(text, NOW))


ORIGIN: Final = FunctionOrigin(
    owners=("owner: payments@example.com", "team: payments"),
    stack="orders-prod",
    changed_at=NOW - timedelta(minutes=31),
    runbook="https://wiki.example.com/runbooks/orders-enricher",
)


SAMPLES: Final[dict[str, Callable[[], Notice]]] = {
    "contained": lambda: observed(Transition.CONTAINED, replace(contained(), origin=ORIGIN)),
    "ordered": lambda: observed(Transition.CONTAINED, ordered()),
    "order_refused": lambda: observed(Transition.CONTAIN_FAILED, order_refused()),
    "held_by_cap": lambda: observed(Transition.CAPPED, held(Lever.CAP), loop=NOT_RULED_OUT),
    "held_at_zero": lambda: observed(Transition.CAPPED, held(Lever.ZERO)),
    "held_instead": lambda: observed(
        Transition.CAPPED, held_instead(), triggers=TRIGGERS[:1], loop=QUEUE_LOOP
    ),
    "held_paused": lambda: observed(Transition.CAPPED, held(Lever.PAUSE), loop=QUEUE_LOOP),
    "shown": lambda: observed(
        Transition.SHOWN,
        judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN),
        loop=QUEUE_LOOP,
    ),
    "shown_beside_work": lambda: observed(
        Transition.SHOWN,
        judged(
            Lever.PAUSE,
            Shown(
                figures=replace(
                    FIGURES,
                    normal_per_minute=310,
                    held_per_minute=318,
                    trial_per_minute=14_500,
                    again_per_minute=304,
                    waiting=1_590,
                    generations=4.2,
                    wrote_minutes=4.1,
                    writer_minutes=8.3,
                ),
                is_beside_work=True,
            ),
            DecisionReason.SHOWN,
        ),
        loop=QUEUE_LOOP,
    ),
    "expiring": lambda: observed(Transition.EXPIRING, expiring(), loop=QUEUE_LOOP),
    "cannot_be_told": lambda: observed(
        Transition.SHOWN,
        judged(
            Lever.CAP,
            CannotTell(
                reason=UntoldReason.TOO_DEAR,
                figures=replace(FIGURES, waiting=21_400, generations=2.5, trial_per_minute=9_300),
            ),
            DecisionReason.CANNOT_BE_TOLD,
        ),
        loop=NOT_RULED_OUT,
    ),
    "stopped_after_hold": lambda: observed(
        Transition.CONTAINED, stopped_after_hold(), triggers=TRIGGERS[:1]
    ),
    "restored_after_hold": lambda: observed(Transition.RESTORED, restored_after_hold()),
    "fed_from_outside": lambda: observed(
        Transition.LIFTED,
        let_go(
            ReleaseReason.STILL_ARRIVING,
            Figures(
                minutes=4, normal_per_minute=35, before_per_minute=14_800, held_per_minute=13_900
            ),
        ),
    ),
    "not_come_back": lambda: observed(
        Transition.LIFTED,
        let_go(
            ReleaseReason.NOT_COME_BACK,
            replace(FIGURES, minutes=9, trial_per_minute=0, again_per_minute=None, generations=0),
            Lever.ZERO,
        ),
    ),
    "not_judged": lambda: observed(
        Transition.LIFTED,
        ended(
            judged(
                Lever.CAP,
                CannotTell(reason=UntoldReason.DATA_LATE, figures=Figures(minutes=11)),
                DecisionReason.SUSPECTED,
            )
        ),
    ),
    "capped_in_danger": lambda: observed(Transition.CAPPED, capped_in_danger(), triggers=CALLERS),
    "cap_over": lambda: observed(Transition.LIFTED, cap_ended(DecisionReason.CAP_OVER)),
    "danger_over": lambda: observed(Transition.LIFTED, cap_ended(DecisionReason.DANGER_OVER)),
    "cap_ended_by_schedule": lambda: observed(
        Transition.LIFTED, cap_ended(DecisionReason.HOLD_OVER)
    ),
    "not_held": lambda: not_held(NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=2, bound=3)),
    "not_held_callers_wait": lambda: not_held(
        NotHeld(reason=NotHeldReason.SYNCHRONOUS), is_certain=True
    ),
    "not_held_again": lambda: not_held(
        NotHeld(reason=NotHeldReason.HELD_OFTEN, value=4, bound=4),
        reason=DecisionReason.HELD_OFTEN,
    ),
    "not_held_on_instances": lambda: _told(
        DecisionReason.NO_CAP_FOR_INSTANCES,
        Verdict.SUSPECTED,
        loop=QUEUE_LOOP,
        deployment=HOLDING,
    ),
    "old_cap": lambda: observed(Transition.CAPPED, contained(target=5)),
    "old_cap_put_back": lambda: observed(Transition.LIFTED, cap_put_back()),
    "observe_mode": lambda: _told(DecisionReason.OBSERVE_MODE),
    "observe_mode_hold": lambda: _told(
        DecisionReason.OBSERVE_MODE, Verdict.SUSPECTED, deployment=HOLDING
    ),
    "observe_mode_callers": lambda: observed(
        Transition.NOTIFIED, would_be_capped(), triggers=CALLERS
    ),
    "blast_radius": lambda: _told(
        DecisionReason.BLAST_RADIUS,
        deployment=replace(DEPLOYMENT, blast_radius=3),
        contained_already=("billing-sync", "image-resize", "mail-out"),
    ),
    "exempt": lambda: _told(DecisionReason.EXEMPT_BY_TAG),
    "response_notify": lambda: _told(DecisionReason.RESPONSE_IS_NOTIFY, Verdict.SUSPECTED),
    "still_suspected": lambda: observed(
        Transition.CONTAINED,
        replace(
            contained(),
            decided=DecisionReason.STILL_SUSPECTED,
            assessment=replace(
                assessed(Verdict.SUSPECTED),
                grounds=(
                    explain_not_held(NotHeld(reason=NotHeldReason.SYNCHRONOUS)),
                    Ground(reason=Reason.LOOP_PROVEN),
                    *assessed(Verdict.SUSPECTED).grounds,
                ),
            ),
        ),
    ),
    "restored_after_cap": lambda: observed(Transition.RESTORED, restored_after_cap()),
    "stopped_by_aws": lambda: observed(
        Transition.NOTIFIED,
        replace(
            told(DecisionReason.STOPPED_BY_AWS),
            assessment=replace(
                assessed(Verdict.BUSY),
                grounds=(Ground(reason=Reason.NATIVE_DROPS, value=12, unit=Unit.DROPS),),
                rate_per_minute=190,
                invocations_since=1_330,
            ),
        ),
        loop=QUEUE_LOOP,
    ),
    "edge_replica": lambda: observed(
        Transition.NOTIFIED,
        replace(
            told(DecisionReason.EDGE_REPLICA, function="us-east-1.edge-auth"),
            function_arn="",
            memory_mb=0,
            timeout_seconds=0,
        ),
        triggers=(Trigger(kind=TriggerKind.SYNC, service="CloudFront", source_arn=""),),
        loop=NOTHING_KNOWN,
    ),
    "managed_instances": lambda: observed(Transition.CONTAINED, on_instances()),
    "scaling_unknown": lambda: _told(DecisionReason.SCALING_UNKNOWN),
    "durable": lambda: observed(Transition.CONTAINED, replace(contained(), is_durable=True)),
    "contain_failed": lambda: observed(Transition.CONTAIN_FAILED, refused()),
    "contained_in_part": lambda: observed(Transition.CONTAIN_FAILED, contained_in_part()),
    "released": lambda: observed(
        Transition.RELEASED, released(), found=FoundReservation(reserved_concurrency=None)
    ),
    "released_on_instances": lambda: observed(Transition.RELEASED, released_on_instances()),
    "running_away_again": lambda: observed(Transition.RUNNING_AWAY_AGAIN, released()),
    "probation": lambda: observed(Transition.PROBATION, on_probation()),
    "probation_passed": lambda: observed(
        Transition.RESTORED,
        after_probation(
            ProbationOutcome.NOT_COME_BACK,
            let_go=40,
            rounds=0.0,
            ran=44,
            outside_per_minute=2,
            per_minute=2,
        ),
    ),
    "probation_failed": lambda: observed(
        Transition.PROBATION_FAILED,
        held_after_probation(
            ProbationOutcome.CAME_BACK,
            let_go=40,
            rounds=61,
            ran=2_440,
            outside_per_minute=0,
            per_minute=410,
            again_per_minute=0,
        ),
    ),
    "probation_too_many_wait": lambda: observed(
        Transition.PROBATION_FAILED,
        held_after_probation(
            ProbationOutcome.TOO_MANY_WAIT,
            let_go=21_400,
            rounds=1.2,
            ran=1_900,
            outside_per_minute=0,
            per_minute=310,
            again_per_minute=0,
        ),
    ),
    "probation_showed_nothing": lambda: observed(
        Transition.RESTORED,
        after_probation(ProbationOutcome.NOTHING_RAN, let_go=1, rounds=0, ran=0),
    ),
    "probation_refused": lambda: observed(
        Transition.PROBATION_REFUSED,
        contained(prior=25, hours=7),
        detail="Specified ReservedConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100].",
    ),
    "restored": lambda: observed(Transition.RESTORED, restored()),
    "restore_failed": lambda: observed(Transition.RESTORE_FAILED, unrestored()),
    "put_back": lambda: observed(Transition.LIFTED, put_back()),
    "hold_over": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.CAP, DecisionReason.HOLD_OVER)
    ),
    "hold_of_two_on_a_loop": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.PAUSE, DecisionReason.LOOP_IS_HELD)
    ),
    "hold_ended_by_deletion": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.ZERO, DecisionReason.STACK_DELETED)
    ),
    "contain_failed_under_cap": lambda: observed(
        Transition.CONTAIN_FAILED,
        refused_under_cap(),
        found=FoundReservation(reserved_concurrency=3),
    ),
    "contain_failed_while_paused": lambda: observed(
        Transition.CONTAIN_FAILED,
        refused_while_paused(),
        found=FoundReservation(reserved_concurrency=None),
        loop=QUEUE_LOOP,
    ),
    "ended": lambda: observed(
        Transition.ENDED,
        replace(
            told(DecisionReason.OBSERVE_MODE),
            state=IncidentState.ENDED,
            id=incident_id(FUNCTION, NOW - timedelta(hours=3)),
            opened_at=NOW - timedelta(hours=3),
            assessment=replace(
                assessed(),
                at=NOW - timedelta(hours=3, minutes=1),
                since=NOW - timedelta(hours=3, minutes=7),
            ),
        ),
    ),
    "deleted": lambda: observed(
        Transition.DELETED, replace(contained(hours=2), state=IncidentState.DELETED)
    ),
    "ledger_unavailable": lambda: without_ledger(
        ledgerless(), "The table does not have the specified index", is_tagged=True
    ),
    "ledger_unavailable_untagged": lambda: without_ledger(
        replace(ledgerless(), contained_at=None, stopped_at=None), "", is_tagged=False
    ),
    "tag_in_doubt": lambda: with_event(
        compose_doubtful_tag(tagged(), TAGGED, DEPLOYMENT),
        describe_doubtful_tag(tagged(), DEPLOYMENT, NOW),
    ),
    "tag_unreadable": lambda: with_event(
        compose_unreadable_tag(tagged(STRANGE_TAG), DEPLOYMENT),
        describe_unreadable_tag(tagged(STRANGE_TAG), NOW),
    ),
    "record_unreadable": lambda: with_event(
        compose_unreadable_record(FUNCTION, DEPLOYMENT), describe_unreadable_record(FUNCTION, NOW)
    ),
    "stack_deleted": lambda: with_event(
        compose_functions_left(LEFT_HELD, DEPLOYMENT, NOW),
        describe_functions_left(LEFT_HELD, DEPLOYMENT, NOW),
    ),
    "again": _again,
    "unprotected": _unprotected,
}
