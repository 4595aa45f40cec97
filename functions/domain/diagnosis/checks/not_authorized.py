"""``User: ... is not authorized to perform: lambda:InvokeFunction on resource: ...``.

Rests on "Troubleshoot invocation issues in Lambda", entry "User is not authorized to perform:
lambda:InvokeFunction": the caller needs that right, by the managed policy AWSLambdaRole or by one
of its own.

Two ways lead here: a call that was denied, and a role in the account whose function, state machine,
schedule or pipe names this function but may not invoke it. Callers of other accounts belong to
`not_invocable`, because the function's resource policy must admit them as well.

The right to invoke is only ever named: no flag makes the guard grant it to an identity.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.checks.not_invocable import INVOKE, LATEST, extract_role
from functions.domain.diagnosis.checks.rights import (
    UNKNOWN_RIGHT,
    Blocker,
    Right,
    evaluate_role_right,
    parse_blocker,
)
from functions.domain.diagnosis.facts import (
    CallerKind,
    DenialSource,
    DeniedCall,
    FunctionUnderDiagnosis,
    NamedCaller,
    Part,
)
from functions.domain.diagnosis.finding import Certainty, Check, Finding, Observation
from functions.domain.diagnosis.remedy import (
    Grant,
    PutInlinePolicy,
    Remedy,
    compose_policy,
    parse_role_name,
)
from functions.domain.iam.access import (
    Access,
    Because,
    Caller,
    account_of,
    evaluate_resource_policy,
)
from functions.domain.notices.text import capitalize, clean, format_time, shorten_arn

ENTRY: Final = "not_authorized"
TITLE: Final = "a caller is not authorized"

MOST_CALLERS: Final = 20  # in one finding
# What counts failures whatever their reason: no proof by itself that a call was denied.
_COUNTED: Final = frozenset(
    {
        DenialSource.RULE,
        DenialSource.SCHEDULE,
        DenialSource.DESTINATION,
        DenialSource.STATE_MACHINE,
    }
)
_NEVER: Final = "Loopbreaker never gives an identity the right to invoke a function."
_BROAD: Final = (
    "AWS's broad alternative is the managed policy AWSLambdaRole"
    " (arn:aws:iam::aws:policy/service-role/AWSLambdaRole), which allows it on every function."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A principal that may not invoke the function."""

    principal: str
    right: Right
    callers: tuple[NamedCaller, ...] = ()
    denials: tuple[DeniedCall, ...] = ()

    @property
    def blocker(self) -> Blocker:
        return self.right.blocker or Blocker.UNKNOWN

    @property
    def is_certain(self) -> bool:
        return bool(self.denials) or any(one.is_certain for one in self.callers)


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:
    """Report the principals of this account that want to invoke the function and may not."""
    refused = tuple(
        one
        for principal in _list_principals(facts)
        if (one := _judge_principal(facts, principal)) is not None
    )
    if not refused:
        return None
    first = sorted(refused, key=lambda one: not one.is_certain)
    names = ", ".join(_describe_principal(one.principal) for one in first[:3])
    more = f" and {len(first) - 3:,} more" if len(first) > 3 else ""  # noqa: PLR2004
    is_certain = any(one.is_certain for one in refused)
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.CERTAIN if is_certain else Certainty.LIKELY,
        summary=_summarize(facts, refused, f"{names}{more}"),
        causes=tuple(sorted(f"{one.blocker}:{one.principal}" for one in refused)),
        evidence=tuple(
            observation for one in first[:MOST_CALLERS] for observation in _list_evidence(one)
        ),
        remedies=tuple(_compose_remedy(facts, one) for one in first[:MOST_CALLERS]),
    )


def _summarize(facts: FunctionUnderDiagnosis, refused: tuple[_Refused, ...], names: str) -> str:
    is_one = len(refused) == 1
    names = capitalize(names)
    if any(not _is_of_a_group(call) for one in refused for call in one.denials):
        return f"{names} {'is' if is_one else 'are'} denied when invoking {facts.name}."
    if any(one.is_certain for one in refused):
        return f"{names} {'is' if is_one else 'are'} set up to invoke {facts.name} and may not."
    return f"{names} {'names' if is_one else 'name'} {facts.name} and may not invoke it."


def _describe_principal(principal: str) -> str:
    kind, _, name = shorten_arn(principal).partition("/")
    return clean(f"{kind} {name.rsplit('/', 1)[-1]}" if name else kind, 160)


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:
    """Whether the rights of all that name the function could be judged.

    A function may have thousands of schedules, whose roles nobody reads all. Then it is enough that
    every role that an open finding names may invoke the function now.
    """
    unknown = tuple(one for one in facts.callers if one.role is None)
    if not unknown:
        return True
    if any(one.kind is not CallerKind.SCHEDULE or one.role_arn for one in unknown):
        return False
    kinds = {one.qualifier: one for one in unknown}.values()
    return bool(facts.accused) and all(
        _is_cleared(facts, arn, role, one) for arn, role in facts.accused for one in kinds
    )


def find_accused_roles(causes: Iterable[str]) -> tuple[str, ...]:
    """The ARNs of the roles that the causes of a finding name."""
    principals = (one.partition(":")[2] for one in causes)
    return tuple(dict.fromkeys(one for one in principals if ":role/" in one))


def _is_cleared(
    facts: FunctionUnderDiagnosis, arn: str, role: Role | None, caller: NamedCaller
) -> bool:
    """Whether a role may for sure do what a caller does."""
    if role is None:
        return False
    return _evaluate_right(facts, replace(caller, role_arn=arn, role=role)).access is Access.ALLOWED


def _list_principals(facts: FunctionUnderDiagnosis) -> tuple[str, ...]:
    named = tuple(one.role_arn for one in facts.callers)
    denied = (
        extract_role(one.principal_arn)
        for one in facts.denials
        if one.principal_arn and not any(_is_of(one.principal_arn, own) for own in named)
    )
    every = (*named, *denied)
    return tuple(
        dict.fromkeys(one for one in every if one and account_of(one) in {"", facts.account})
    )


def _judge_principal(facts: FunctionUnderDiagnosis, principal: str) -> _Refused | None:
    callers = tuple(one for one in facts.callers if one.role_arn == principal)
    denials = tuple(
        one for one in facts.denials if one.principal_arn and _is_of(one.principal_arn, principal)
    )
    if callers:
        rights = [(one, _evaluate_right(facts, one)) for one in callers]
        refused = [(one, right) for one, right in rights if right.is_denied]
        if refused:
            return _Refused(
                principal=principal,
                right=refused[0][1],
                callers=tuple(one for one, _ in refused),
                denials=denials,
            )
    proven = tuple(one for one in denials if one.source not in _COUNTED)
    if not proven:
        return None
    right = _evaluate_denied_calls(facts, principal, callers, proven)
    if right is None:
        return None
    return _Refused(principal=principal, right=right, callers=callers, denials=denials)


def _is_of(principal_arn: str, principal: str) -> bool:
    """Whether a denied principal is this one: a session's ARN lacks the path of its role."""
    role = extract_role(principal_arn)
    return role == principal or (
        role != principal_arn
        and account_of(role) == account_of(principal)
        and parse_role_name(role) == parse_role_name(principal)
    )


def _evaluate_right(facts: FunctionUnderDiagnosis, caller: NamedCaller) -> Right:
    """Whether a caller in the same account may invoke: its own policies or the function's say so.

    A Deny on either side wins. The boundary limits what a resource policy gives to a role
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
    """
    rights = [
        evaluate_role_right(
            facts,
            caller.role_arn,
            caller.role,
            INVOKE,
            target,
            # What only names the function may mean any version: AWS is asked about none of them.
            simulated_on=target if caller.is_certain else "",
        )
        for target in find_targets(facts, caller)
    ]
    right = next((one for one in rights if not one.is_denied), rights[0])
    admitted = _evaluate_admission(facts, caller.role_arn, caller.qualifier)
    if admitted is None:
        return right if right.blocker is not Blocker.IDENTITY else UNKNOWN_RIGHT
    if admitted.blocker is Blocker.RESOURCE_POLICY:
        return admitted
    if right.is_denied and right.blocker is Blocker.IDENTITY and not admitted.is_denied:
        return admitted
    return right


def find_targets(facts: FunctionUnderDiagnosis, caller: NamedCaller) -> tuple[str, ...]:
    """What the caller asks for. One that only names the function may mean any version of it."""
    arn = facts.function.arn
    if caller.qualifier and caller.qualifier != LATEST:
        return (f"{arn}:{caller.qualifier}",)
    if caller.qualifier == LATEST:
        return (f"{arn}:{LATEST}", arn)
    return (arn,) if caller.is_certain else (arn, f"{arn}:*")


def _evaluate_admission(
    facts: FunctionUnderDiagnosis, role_arn: str, qualifier: str
) -> Right | None:
    """What the resource policy says to a role; ``None`` where it is not known."""
    if not facts.function.is_policy_known or facts.lacks(Part.RESOURCE_POLICY):
        return None
    qualifier = "" if qualifier == LATEST else qualifier
    arn = f"{facts.function.arn}:{qualifier}" if qualifier else facts.function.arn
    caller = Caller(account=facts.account, arn=role_arn)
    answer = evaluate_resource_policy(
        facts.function.resource_policies.get(qualifier), caller, INVOKE, arn
    )
    if answer.access is Access.DENIED and answer.because is Because.EXPLICIT_DENY:
        return Right(
            access=Access.DENIED,
            blocker=Blocker.RESOURCE_POLICY,
            words=f"the function's resource policy denies it ({clean(answer.sid, 120)})",
        )
    return Right(access=answer.access, blocker=None, words=clean(answer.words, 300))


def _evaluate_denied_calls(
    facts: FunctionUnderDiagnosis,
    principal: str,
    callers: tuple[NamedCaller, ...],
    denials: tuple[DeniedCall, ...],
) -> Right | None:
    """What stood in the way of calls that were denied; ``None`` where nothing does any more."""
    newest = max(denials, key=lambda one: (one.last_at is not None, one.last_at or facts.at))
    said = parse_blocker(newest.message)
    target = find_target(facts, newest)
    simulation = facts.find_simulation(principal, INVOKE, target)
    role = next((one.role for one in callers if one.role is not None), None)
    right = evaluate_role_right(facts, principal, role, INVOKE, target, simulated_on=target)
    if right.access is Access.ALLOWED:
        # Policies of the organization are not in our own evaluation. Any other refusal is one of
        # the past: it may invoke now.
        if simulation is None and said is Blocker.ORGANIZATION:
            return Right(access=Access.DENIED, blocker=said, words=_quote_message(newest.message))
        return None
    if right.is_denied:
        return right
    blocker = said if said is not Blocker.UNKNOWN else right.blocker
    words = right.words or _quote_message(newest.message)
    return Right(access=Access.DENIED, blocker=blocker, words=words)


def find_target(facts: FunctionUnderDiagnosis, call: DeniedCall) -> str:
    """What a call that was denied asked for."""
    qualified = call.qualifier and call.qualifier != LATEST
    return f"{facts.function.arn}:{call.qualifier}" if qualified else facts.function.arn


def _quote_message(message: str) -> str:
    return f'AWS says "{clean(message, 300)}"' if message.strip() else ""


def _list_evidence(refused: _Refused) -> tuple[Observation, ...]:
    who = _describe_principal(refused.principal)
    found = [
        Observation(
            words=f"{capitalize(one.kind)} {_shorten_name(one.arn)} names it"
            f" ({clean(one.named_in, 160)}) and acts as {who}"
        )
        for one in refused.callers[:MOST_CALLERS]
    ]
    for call in refused.denials:
        when = f", last at {format_time(call.last_at)}" if call.last_at else ""
        words = f"Calls of {who} that were denied ({call.source}{when})"
        if _is_of_a_group(call):
            words = f"{capitalize(call.source)}, whichever schedule they were of"
        found.append(Observation(words=words, value=call.count))
        if call.message:
            found.append(Observation(words=_quote_message(call.message)))
    words = f": {refused.right.words}" if refused.right.words else ""
    what = "not known" if refused.blocker is Blocker.UNKNOWN else f"the {refused.blocker}"
    found.append(Observation(words=f"What stands in the way is {what}{words}"))
    return tuple(found)


def _is_of_a_group(call: DeniedCall) -> bool:
    """Whether other callers' failures are in the count, too."""
    return call.source is DenialSource.SCHEDULE


def _shorten_name(arn: str) -> str:
    return clean(re.split("[:/]", shorten_arn(arn))[-1], 120)


def _compose_remedy(facts: FunctionUnderDiagnosis, refused: _Refused) -> Remedy:
    who = _describe_principal(refused.principal)
    target = _choose_resource(facts, refused)
    match refused.blocker:
        case Blocker.EXPLICIT_DENY:
            words = f"Take {INVOKE} on {target} out of the Deny that meets {who}."
        case Blocker.BOUNDARY:
            words = f"Add {INVOKE} on {target} to the permissions boundary of {who}."
        case Blocker.ORGANIZATION:
            words = (
                "Ask the administrators of the organization: a service control policy stands in the"
                " way, and nothing in this account changes that."
            )
        case Blocker.RESOURCE_POLICY:
            words = f"Change the function's resource policy so that it does not deny {who}."
        case _:
            return Remedy(
                words=f"Allow {INVOKE} on {target}, and on nothing else, to {who}.",
                steps=_compose_grant(facts, refused, target),
                alternative=_BROAD,
                named_only=_NEVER,
            )
    return Remedy(words=words, named_only=_NEVER)


def _choose_resource(facts: FunctionUnderDiagnosis, refused: _Refused) -> str:
    found: tuple[NamedCaller | DeniedCall, ...] = (*refused.callers, *refused.denials)
    named = next((one.qualifier for one in found if one.qualifier not in {"", LATEST}), "")
    return f"{facts.function.arn}:{named}" if named else facts.function.arn


def _compose_grant(
    facts: FunctionUnderDiagnosis, refused: _Refused, target: str
) -> tuple[PutInlinePolicy, ...]:
    if ":role/" not in refused.principal:
        return ()
    grant = Grant(sid="InvokeFunction", actions=(INVOKE,), resources=(target,))
    return (
        PutInlinePolicy(
            role=parse_role_name(refused.principal),
            policy_name=f"invoke-{facts.name}",
            document=compose_policy((grant,)),
        ),
    )


CHECK: Final = Check(
    entry=ENTRY,
    title=TITLE,
    page=pages.INVOCATION,
    needs=frozenset({Part.CALLERS, Part.DENIALS, Part.RESOURCE_POLICY}),
    examine=examine,
    is_conclusive=is_conclusive,
    helps=frozenset({Part.SIMULATIONS}),
)
