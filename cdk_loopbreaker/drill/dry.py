"""The dry drill: a small loop runs, and the guard decides about it as in observe mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.aws.functions import DrillFunctions
from cdk_loopbreaker.drill.errors import explain, get_words
from cdk_loopbreaker.drill.model import Check, LoopResult, Phase
from cdk_loopbreaker.drill.plan import estimate_usd

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.model import LoopKind
    from cdk_loopbreaker.drill.plan import DrillPlan
    from cdk_loopbreaker.drill.stage import Stage
    from functions.domain.requests.answer import RehearsalAnswer

# What `contain` has to be allowed on a function that it stops.
NEEDED: Final = ("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency")
_MOST_MINUTES: Final = 25.0
_REHEARSED_EVERY_SECONDS: Final = 30.0
_NOTICE_MINUTES: Final = 5.0
_ALLOWED: Final = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DryResult:
    """What the dry drill proved."""

    checks: tuple[Check, ...]
    loop: LoopResult


def run_dry(stage: Stage, plan: DrillPlan) -> DryResult:
    """Let a small loop run until the guard has decided about it. The stack is there.

    Raises
    ------
    DrillError, OperatingError
    """
    functions = DrillFunctions(stage.clients, stage.names)
    (loop,) = plan.loops
    kind, name = loop.kind, stage.names.function(loop.kind)
    with explain("Starting the loop", stage.clients.region):
        before = functions.describe_settings(kind)
        began = stage.clock.now()
        functions.start(loop)
    stage.say(f"A loop of {loop.most_invocations:,} invocations at most runs: {name}")
    answers: list[RehearsalAnswer] = []

    def is_decided() -> bool:
        answers.append(stage.client.rehearse(name, stage.clock.now()))
        return bool(answers[-1].incident_id)

    is_decided_at_last = stage.wait_for(
        is_decided, _MOST_MINUTES, poll_seconds=_REHEARSED_EVERY_SECONDS
    )
    moments = {Phase.VERDICT: stage.clock.now()} if is_decided_at_last else {}
    last = answers[-1]
    subjects: list[str] = []

    def has_notice() -> bool:
        subjects.extend(one for one in functions.take_notices() if name in one)
        return last.subject in subjects

    if is_decided_at_last:
        stage.say(f"The guard decided: {last.verdict}, {last.decision}")
        with explain("Reading the notice", stage.clients.region):
            if stage.wait_for(has_notice, _NOTICE_MINUTES):
                moments[Phase.NOTICE] = stage.clock.now()
    with explain("Ending the loop", stage.clients.region):
        functions.close(kind)
        tokens = functions.read_tokens(kind)
        after = functions.describe_settings(kind)
    return DryResult(
        checks=(
            _describe_decision(last, is_decided=is_decided_at_last),
            Check(
                title="The guard writes into its ledger",
                is_passed=bool(last.incident_id),
                text=last.incident_id,
            ),
            Check(
                title="The notice arrives, and its subject says DRILL",
                is_passed=last.subject in subjects and "DRILL" in last.subject,
                text=(
                    last.subject
                    if last.subject in subjects
                    else f"only these arrived: {'; '.join(subjects) or 'none'}"
                ),
            ),
            Check(
                title="Nothing of the function was changed",
                is_passed=before == after,
                text="" if before == after else f"before {before}, after {after}",
            ),
            check_permissions(stage, kind),
        ),
        loop=LoopResult(
            kind=kind,
            function=name,
            began_at=began,
            moments=moments,
            ending=last.decision or last.verdict,
            tokens=tokens.total,
            invocations=tokens.rounds,
            usd=estimate_usd(kind, tokens.rounds, loop.period_seconds),
            before=before,
            after=after,
            subjects=tuple(subjects),
        ),
    )


def check_permissions(stage: Stage, kind: LoopKind) -> Check:
    """Whether IAM would let the guard stop the function: by its simulator, nothing is changed."""
    account, region = stage.guard.account, stage.clients.region
    partition = stage.guard.settings.partition
    arn = f"arn:{partition}:lambda:{region}:{account}:function:{stage.names.function(kind)}"
    title = "The guard's role may stop and restore the function"
    try:
        found = stage.clients("iam").simulate_principal_policy(
            PolicySourceArn=stage.guard.role_arn, ActionNames=list(NEEDED), ResourceArns=[arn]
        )
    except Exception as error:  # noqa: BLE001 - it proves less then, and the rest is as it was
        return Check(title=title, is_passed=None, text=f"not simulated: {get_words(error)}")
    refused = sorted(
        one["EvalActionName"]
        for one in found["EvaluationResults"]
        if one["EvalDecision"] != _ALLOWED
    )
    return Check(
        title=title,
        is_passed=not refused,
        text=f"refused: {', '.join(refused)}" if refused else f"{', '.join(NEEDED)}, simulated",
    )


def _describe_decision(answer: RehearsalAnswer, *, is_decided: bool) -> Check:
    why = " ".join(answer.why[:2])
    text = f"{answer.verdict}, {answer.decision or 'nothing decided'}"
    return Check(
        title="The guard finds the loop by its metrics and decides",
        is_passed=is_decided,
        text=f"{text}: {why}" if why else text,
    )
