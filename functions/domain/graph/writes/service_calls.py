"""Calls by which a role makes an AWS service send events."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from functions.domain.graph.model import Certainty, EdgeReason
from functions.domain.graph.paths.limits import Allowance
from functions.domain.graph.triggers.trigger_edge import Listener
from functions.domain.graph.writes.permission import WritePermission, permission
from functions.domain.graph.writes.read_calls import is_read
from functions.domain.graph.writes.write_actions import WRITE_ACTIONS
from functions.domain.iam.access import Identity, read_rights
from functions.domain.iam.document import Effect

# Calls that change data, not resources: no management event of CloudTrail tells of them.
_DATA_CALLS: Final = frozenset(
    action.lower()
    for kind in WRITE_ACTIONS.values()
    for way in kind
    for action in way.actions
    if not action.startswith("states:")
) | {
    "logs:createlogstream",
    "logs:createloggroup",
    "cloudwatch:putmetricdata",
    "xray:puttracesegments",
    "xray:puttelemetryrecords",
    "sqs:deletemessage",
    "sqs:receivemessage",
    "sqs:changemessagevisibility",
    "dynamodb:conditioncheckitem",
    "lambda:invokefunctionurl",
    "ec2:createnetworkinterface",
    "ec2:deletenetworkinterface",
    "ec2:assignprivateipaddresses",
    "ec2:unassignprivateipaddresses",
    "kms:decrypt",
    "kms:encrypt",
    "kms:generatedatakey",
    "sts:assumerole",
    "s3:abortmultipartupload",
    "ssm:startautomationexecution",
}


def grant_service_calls(
    listeners: Iterable[Listener],
    identity: Identity,
    services: frozenset[str] | None,
    context: Mapping[str, tuple[str, ...] | None],
    steps: Allowance,
) -> Iterator[WritePermission]:
    """Calls of AWS services that somebody listens for, and that a role may make."""
    changing: dict[str, tuple[str, str, str]] | None = None
    for listener in listeners:
        for action in listener.actions:
            if services is not None and action.split(":", 1)[0].lower() not in services:
                continue
            steps.spend(sum(len(one.statements) for one in identity.policies))
            reached = read_rights(identity, action, context).reach("*")
            first = next((one for one in reached if one.policy), None)
            if first:
                yield _grant_call(listener, action, first.policy, first.sid)
        if not listener.actions:
            if changing is None:
                changing = _find_changing_actions(identity, context)
            cause = _find_cause(identity, listener.service, changing, context)
            if cause:
                yield _grant_call(listener, *cause)


def _find_cause(
    identity: Identity,
    service: str,
    changing: Mapping[str, tuple[str, str, str]],
    context: Mapping[str, tuple[str, ...] | None],
) -> tuple[str, str, str] | None:
    """What a role may change of a service (empty: of any), and the statement."""
    if not service:
        return next(iter(changing.values()), None)
    if service in changing:
        return changing[service]
    if "*" in changing and read_rights(identity, f"{service}:Change", context).reach("*"):
        return changing["*"]
    return None


def _grant_call(listener: Listener, action: str, policy: str, sid: str) -> WritePermission:
    return WritePermission(
        target=listener.node,
        payload=listener.payload,
        edge=permission(
            action,
            certainty=Certainty.POSSIBLE,
            reason=EdgeReason.WILDCARD if "*" in action else EdgeReason.SERVICE_CALL,
            policy=policy,
            sid=sid,
        ),
    )


def _find_changing_actions(
    identity: Identity, context: Mapping[str, tuple[str, ...] | None]
) -> dict[str, tuple[str, str, str]]:
    """By service: an action by which the role may change something, and the statement.

    ``*`` stands for a statement about all services.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for document in (*identity.policies, *identity.direct):
        for statement in document.statements:
            if statement.effect is Effect.DENY:
                continue
            patterns = ("*",) if statement.actions.is_inverted else statement.actions.patterns
            for pattern in patterns:
                service, colon, verb = pattern.lower().partition(":")
                if not colon:
                    service, verb = "*", "*"
                if service in found or is_read(verb):
                    continue
                if f"{service}:{verb}" in _DATA_CALLS:
                    continue
                # A wildcard is tried with a call of an invented name.
                tried = f"{service}:{verb}".replace("*", "Change").replace("?", "x")
                if read_rights(identity, tried, context).reach("*"):
                    found[service] = (pattern, document.name, statement.name)
    return found
