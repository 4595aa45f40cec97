"""The function can be invoked directly, but does not run when a service or account invokes it.

Rests on "Troubleshoot invocation issues in Lambda", entry "You can invoke the function directly,
but it doesn't run when another service or account invokes it": services and other accounts need a
statement in the function's resource policy; an account's caller needs its own policy too.

Statements are kept for each qualifier: what the unqualified function admits says nothing of an
alias (https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.facts import (
    DeniedCall,
    FoundTrigger,
    FunctionUnderDiagnosis,
    InvokerKind,
    Part,
)
from functions.domain.diagnosis.finding import Certainty, Check, Finding, Observation
from functions.domain.diagnosis.remedy import PREFIX, AddPermission, Remedy, RemedyKind
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    Caller,
    account_of,
    evaluate_resource_policy,
)
from functions.domain.notices.text import capitalize, clean, shorten_arn

ENTRY: Final = "not_invocable"
TITLE: Final = "a trigger cannot invoke it"

INVOKE: Final = "lambda:InvokeFunction"
LATEST: Final = "$LATEST"
MOST_TRIGGERS: Final = 20  # in one finding
# Services whose ARNs name no account (S3), or for which AWS documents the call with both
# conditions. Elsewhere the ARN already holds the account, and a condition on a key that a service
# may not send would deny what it is to allow.
WITH_ACCOUNT: Final = frozenset({InvokerKind.BUCKET, InvokerKind.ALARM, InvokerKind.LOGS})
_WHY: Final = {
    Because.NO_POLICY: "there is no resource policy",
    Because.NO_STATEMENT: "no statement of the resource policy is for {principal}",
    Because.OTHER_SOURCE_ARN: "{sid} admits another source ARN",
    Because.OTHER_SOURCE_ACCOUNT: "{sid} admits another source account",
    Because.OTHER_RESOURCE: "{sid} is about another version or alias",
    Because.OTHER_CONDITION: "a condition of {sid} does not hold",
    Because.EXPLICIT_DENY: "{sid} denies it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnadmittedTrigger:
    """A trigger that the resource policy does not let in."""

    trigger: FoundTrigger
    because: Because
    words: str


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:
    """Report the triggers that no statement of the resource policy admits."""
    if not facts.function.is_policy_known or facts.lacks(Part.RESOURCE_POLICY):
        return None
    shut = tuple(
        one
        for trigger in (*facts.triggers, *_find_foreign_callers(facts))
        if trigger.is_enabled and (one := judge_trigger(facts, trigger)) is not None
    )
    if not shut:
        return None
    names = ", ".join(_name(one.trigger) for one in shut[:3])
    more = f" and {len(shut) - 3:,} more" if len(shut) > 3 else ""  # noqa: PLR2004
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.CERTAIN,
        summary=f"{facts.name} is to be invoked by {names}{more}, but its resource policy does not"
        " admit that.",
        causes=tuple(sorted({_cause(one.trigger) for one in shut})),
        evidence=tuple(
            observation for one in shut[:MOST_TRIGGERS] for observation in _list_evidence(one)
        ),
        remedies=_compose_remedies(facts, shut[:MOST_TRIGGERS]),
    )


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:
    """Whether the resource policy was read."""
    return facts.function.is_policy_known


def compute_statement_id(trigger: FoundTrigger) -> str:
    """The id of the statement for a trigger: the same for the same trigger, always."""
    text = "\n".join(
        (trigger.principal, trigger.source_arn, trigger.source_account, _choose_qualifier(trigger))
    )
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:10]
    service = re.sub(r"[^A-Za-z0-9]+", "-", trigger.principal.split(".", 1)[0])[:40]
    return f"{PREFIX}{service}-{digest}"


def compose_permission(facts: FunctionUnderDiagnosis, trigger: FoundTrigger) -> AddPermission:
    """The narrowest statement that admits a trigger."""
    needs_account = trigger.kind in WITH_ACCOUNT or not account_of(trigger.source_arn)
    return AddPermission(
        function=facts.name,
        statement_id=compute_statement_id(trigger),
        principal=trigger.principal,
        source_arn=trigger.source_arn,
        source_account=trigger.source_account if needs_account else "",
        qualifier=_choose_qualifier(trigger),
    )


def judge_trigger(facts: FunctionUnderDiagnosis, trigger: FoundTrigger) -> UnadmittedTrigger | None:
    """Why the resource policy does not let a trigger in; ``None`` where it does, or may."""
    if _is_identity(trigger) and account_of(trigger.principal) == facts.account:
        return None  # in the same account its own policies may suffice: see not_authorized
    answer = _answer(facts, trigger, _choose_qualifier(trigger))
    if answer.access is not Access.DENIED:
        return None
    words = _WHY.get(answer.because, answer.because.value).format(
        principal=clean(trigger.principal, 160), sid=clean(answer.sid or "a statement", 120)
    )
    elsewhere = [
        qualifier or "the unqualified function"
        for qualifier in facts.function.resource_policies
        if qualifier != _choose_qualifier(trigger)
        and _answer(facts, trigger, qualifier).access is Access.ALLOWED
    ]
    if elsewhere:
        asked = _choose_qualifier(trigger) or "the unqualified function"
        words += f"; it is admitted to {clean(elsewhere[0], 140)}, but invokes {clean(asked, 140)}"
    return UnadmittedTrigger(trigger=trigger, because=answer.because, words=words)


def _answer(facts: FunctionUnderDiagnosis, trigger: FoundTrigger, qualifier: str) -> Answer:
    arn = f"{facts.function.arn}:{qualifier}" if qualifier else facts.function.arn
    if _is_identity(trigger):
        caller = Caller(
            account=trigger.source_account or account_of(trigger.principal),
            arn=trigger.principal if trigger.principal.startswith("arn:") else "",
        )
    else:
        caller = Caller(
            service=trigger.principal,
            account=trigger.source_account,
            source_arn=trigger.source_arn or None,
            source_account=trigger.source_account or None,
        )
    return evaluate_resource_policy(
        facts.function.resource_policies.get(qualifier), caller, INVOKE, arn
    )


def _find_foreign_callers(facts: FunctionUnderDiagnosis) -> tuple[FoundTrigger, ...]:
    """Denied calls by identities of other accounts: they need the resource policy too."""
    found: dict[tuple[str, str], FoundTrigger] = {}
    known = {(one.principal, _choose_qualifier(one)) for one in facts.triggers}
    for call in facts.denials:
        principal = extract_role(call.principal_arn)
        account = account_of(principal)
        key = (principal, call.qualifier)
        if not account or account == facts.account or key in known:
            continue
        found[key] = FoundTrigger(
            kind=InvokerKind.ACCOUNT,
            principal=principal,
            source_account=account,
            qualifier=call.qualifier,
            evidence=_describe_denied_call(call, principal),
        )
    return tuple(found.values())


def _describe_denied_call(call: DeniedCall, principal: str) -> str:
    times = f"{call.count:,} times" if call.count != 1 else "once"
    return f"{shorten_arn(principal)} of account {account_of(principal)} was denied {times}"


def extract_role(principal_arn: str) -> str:
    """The role of an assumed role's session; any other principal as it is.

    A session's ARN does not hold the path of its role
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
    """
    parts = principal_arn.split(":", 5)
    if len(parts) == 6 and parts[5].startswith("assumed-role/"):  # noqa: PLR2004 - parts of an ARN
        name = parts[5].split("/")[1]
        return f"arn:{parts[1]}:iam::{parts[4]}:role/{name}"
    return principal_arn


def _is_identity(trigger: FoundTrigger) -> bool:
    return trigger.kind is InvokerKind.ACCOUNT or not trigger.principal.endswith(
        (".amazonaws.com", ".amazonaws.com.cn")
    )


def _choose_qualifier(trigger: FoundTrigger) -> str:
    return "" if trigger.qualifier == LATEST else trigger.qualifier


def _name(trigger: FoundTrigger) -> str:
    source = trigger.source_arn or trigger.principal
    return f"{trigger.kind} {clean(shorten_arn(source), 120)}"


def _cause(trigger: FoundTrigger) -> str:
    return f"{trigger.principal}:{trigger.source_arn}:{_choose_qualifier(trigger)}"


def _list_evidence(shut: UnadmittedTrigger) -> tuple[Observation, ...]:
    trigger = shut.trigger
    found = trigger.evidence or f"{_name(trigger)} has it as its target"
    observed = [Observation(words=f"{capitalize(clean(found, 300))}; {shut.words}")]
    if trigger.failed_invocations:
        observed.append(
            Observation(
                words=f"Failed invocations of {_name(trigger)}", value=trigger.failed_invocations
            )
        )
    return tuple(observed)


def _compose_remedies(
    facts: FunctionUnderDiagnosis, shut: tuple[UnadmittedTrigger, ...]
) -> tuple[Remedy, ...]:
    granted: list[AddPermission] = []
    named: list[Remedy] = []
    for one in shut:
        reason = _explain_naming_only(facts, one)
        if reason:
            named.append(_compose_named_remedy(facts, one, reason))
        else:
            granted.append(compose_permission(facts, one.trigger))
    steps = tuple({step.key: step for step in granted}.values())
    if not steps:
        return tuple(named)
    many = "statements" if len(steps) > 1 else "a statement"
    names = "these sources" if len(steps) > 1 else "this source"
    remedy = Remedy(
        kind=RemedyKind.PERMISSIONS,
        words=f"Add {many} to the resource policy that admit{'s' * (len(steps) == 1)} {names} and"
        " nothing else.",
        steps=steps,
    )
    return (remedy, *named)


def _explain_naming_only(facts: FunctionUnderDiagnosis, shut: UnadmittedTrigger) -> str:
    """Why a statement for a trigger is only named; empty where it may be added."""
    trigger = shut.trigger
    if shut.because is Because.EXPLICIT_DENY:
        return "Loopbreaker never changes a policy that somebody wrote to deny."
    if _is_identity(trigger):
        return "Loopbreaker never gives an identity the right to invoke a function."
    if not trigger.source_arn:
        return "The ARN of the source is not known."
    if not trigger.source_account:
        return "The account of the source is not known."
    if trigger.source_account != facts.account:
        return "The source is in another account: people decide whom they let in."
    if not trigger.is_exact:
        return "Which part of the API invokes it is not known: this admits all of the API."
    return ""


def _compose_named_remedy(
    facts: FunctionUnderDiagnosis, shut: UnadmittedTrigger, reason: str
) -> Remedy:
    trigger = shut.trigger
    if shut.because is Because.EXPLICIT_DENY:
        return Remedy(
            words=f"Take the Deny out of the resource policy ({shut.words}); an Allow beside it"
            " changes nothing.",
            named_only=reason,
        )
    if _is_identity(trigger):
        qualified = f":{_choose_qualifier(trigger)}" if _choose_qualifier(trigger) else ""
        return Remedy(
            words=f"Admit {clean(trigger.principal, 200)} in the resource policy. Its own account"
            f" {trigger.source_account} must allow it too: {INVOKE} on"
            f" {facts.function.arn}{qualified} in the identity policy there.",
            steps=(compose_permission(facts, trigger),),
            named_only=reason,
        )
    if not trigger.source_arn:
        return Remedy(
            words=f"Add a statement for {clean(trigger.principal, 160)} with the ARN of its source"
            " as SourceArn.",
            named_only=reason,
        )
    return Remedy(
        words=f"Admit {_name(trigger)} in the resource policy.",
        steps=(compose_permission(facts, trigger),),
        named_only=reason,
    )


CHECK: Final = Check(
    entry=ENTRY,
    title=TITLE,
    page=pages.INVOCATION,
    needs=frozenset({Part.TRIGGERS, Part.RESOURCE_POLICY}),
    examine=examine,
    is_conclusive=is_conclusive,
)
