"""Every event that wakes the guard, read into one `Signal`.

The shapes are those of the CloudWatch user guide (*Alarm events and EventBridge*, *Invoke a Lambda
function from an alarm*), the EventBridge reference (*Scheduled events*, *Events via CloudTrail*)
and the AWS Health user guide (*AWS Health events Amazon EventBridge schema*).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.data_classes.event_bridge_event import EventBridgeEvent

from functions.aws.runtime.clock import parse_moment
from functions.aws.runtime.observability import logger
from functions.domain.account.names import InvalidFunctionReferenceError, parse_metric_name
from functions.domain.errors import UnrecognisedSignalError
from functions.domain.signal import Signal, SignalKind

if TYPE_CHECKING:
    from collections.abc import Iterable

IAM_ACTIONS: Final[frozenset[str]] = frozenset()  # events come by themselves

_ALARM: Final = "CloudWatch Alarm State Change"
_CONTRIBUTOR: Final = "CloudWatch Alarm Contributor State Change"
_SCHEDULED: Final = "Scheduled Event"
_API_CALL: Final = "AWS API Call via CloudTrail"
_HEALTH: Final = "AWS Health Event"
_RUNAWAY_NOTICE: Final = "AWS_LAMBDA_RUNAWAY_TERMINATION_NOTIFICATION"
_DROPS_METRIC: Final = "RecursiveInvocationsDropped"
_IN_ALARM: Final = "ALARM"

# CloudTrail writes most of Lambda's names with the date of the API version.
_API_VERSION: Final = re.compile(r"\d{8}(?:v\d+)?$")
_CHANGES: Final = frozenset(
    {
        "DeleteEventSourceMapping",
        "DeleteFunction",
        "DeleteFunctionConcurrency",
        "DeleteProvisionedConcurrencyConfig",
        "PutFunctionConcurrency",
        "PutProvisionedConcurrencyConfig",
        "UpdateEventSourceMapping",
    }
)
_ACCEPTED: Final = (
    f"'{_ALARM}' and '{_CONTRIBUTOR}' events of aws.cloudwatch, "
    "the Lambda action of a CloudWatch alarm, "
    "scheduled events of a rule that ends with -pulse or -sweep, "
    f"'{_API_CALL}' events of aws.lambda ({', '.join(sorted(_CHANGES))}), "
    f"AWS Health's {_RUNAWAY_NOTICE}"
)


def parse_signal(event: Mapping[str, Any]) -> Signal:
    """Read one event.

    A name that no function and no Lambda@Edge replica has is logged and left out: only that name
    is odd, and a retry would not change it.

    Raises
    ------
    UnrecognisedSignalError
        When it has a shape that no trigger of the stack sends.
    """
    if not isinstance(event, Mapping):
        raise _make_error(event, "not an object")
    try:
        return _parse(event)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise _make_error(event, f"{type(error).__name__} {error}") from error
    except ValueError as error:
        raise _make_error(event, str(error)) from error


def _parse(event: Mapping[str, Any]) -> Signal:
    if "alarmData" in event:
        return _parse_alarm(
            event["alarmData"],
            id=f"{event['alarmArn']}@{event['time']}",
            time=event["time"],
            event=event,
        )
    match event.get("detail-type"), event.get("source"):
        case (str() as kind, "aws.cloudwatch") if kind in {_ALARM, _CONTRIBUTOR}:
            data = EventBridgeEvent(dict(event))
            if kind == _CONTRIBUTOR and "alarmContributor" not in data.detail:
                raise _make_error(event, "a contributor's change without a contributor")
            return _parse_alarm(data.detail, id=data.get_id, time=data.time, event=event)
        case (str() as kind, "aws.events" | "aws.scheduler") if kind == _SCHEDULED:
            return _parse_scheduled(event)
        case (str() as kind, "aws.lambda") if kind == _API_CALL:
            return _change(event)
        case (str() as kind, "aws.health") if kind == _HEALTH:
            return _parse_health(event)
        case _:
            raise _make_error(event, "an unknown kind of event")


def _parse_alarm(
    detail: Mapping[str, Any],
    *,
    id: str,  # noqa: A002 - the name of the signal's attribute
    time: str,
    event: Mapping[str, Any],
) -> Signal:
    """A state change of an alarm or of one of its contributors.

    An alarm's Lambda action for a contributor is UNCONFIRMED A-006 by AWS; it is read as the event
    is: an `alarmContributor`, no `previousState`.
    """
    state = detail["state"]
    at = parse_moment(state.get("timestamp") or time)
    contributor = detail.get("alarmContributor")
    functions: tuple[str, ...] = ()
    if contributor is not None:
        attributes = contributor["attributes"]
        if "FunctionName" not in attributes:
            raise _make_error(
                event, f"a contributor with {_list_keys(attributes)} and no FunctionName"
            )
        functions = _names((attributes["FunctionName"],))
    if state["value"] != _IN_ALARM:
        kind = SignalKind.CLEARED
    elif _watches_drops(detail.get("configuration", {})):
        kind = SignalKind.DROPS
    else:
        kind = SignalKind.ALARM if contributor is None else SignalKind.CONTRIBUTOR
    return Signal(kind=kind, at=at, id=id, functions=functions, source=detail["alarmName"])


def _watches_drops(configuration: Mapping[str, Any]) -> bool:
    for entry in configuration.get("metrics", ()):
        metric = entry.get("metricStat", {}).get("metric", {})
        if metric.get("name") == _DROPS_METRIC or _DROPS_METRIC in entry.get("expression", ""):
            return True
    return False


def _parse_scheduled(event: Mapping[str, Any]) -> Signal:
    data = EventBridgeEvent(dict(event))
    name = data.resources[0].rpartition("/")[2]
    if name.casefold().endswith("-pulse"):
        kind = SignalKind.PULSE
    elif name.casefold().endswith("-sweep"):
        kind = SignalKind.SWEEP
    else:
        raise _make_error(event, f"a schedule named {name!r}")
    return Signal(kind=kind, at=parse_moment(data.time), id=data.get_id, source=name)


def _change(event: Mapping[str, Any]) -> Signal:
    data = EventBridgeEvent(dict(event))
    detail = data.detail
    name = detail["eventName"]
    if _API_VERSION.sub("", name) not in _CHANGES:
        raise _make_error(event, f"the API call {name}")
    request = detail.get("requestParameters") or {}
    response = detail.get("responseElements") or {}
    # A call that failed changed nothing, so it counts for no more than an alarm that went off.
    kind = SignalKind.CLEARED if detail.get("errorCode") else SignalKind.CHANGE
    named = (
        request.get("functionName") or response.get("functionArn") or response.get("functionName")
    )
    return Signal(
        kind=kind,
        at=parse_moment(detail.get("eventTime") or data.time),
        id=detail.get("eventID") or data.get_id,
        functions=_names((named,)) if named else (),
        source=name,
        actor=_find_actor(detail.get("userIdentity") or {}),
    )


def _find_actor(identity: Mapping[str, Any]) -> str:
    """Who called: an ARN, or the AWS service that called on somebody's behalf."""
    issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
    known = (identity.get("arn"), issuer.get("arn"), identity.get("invokedBy"))
    return next((one for one in known if one), "")


def _parse_health(event: Mapping[str, Any]) -> Signal:
    data = EventBridgeEvent(dict(event))
    detail = data.detail
    code = detail["eventTypeCode"]
    if code != _RUNAWAY_NOTICE:
        raise _make_error(event, f"the Health event {code}")
    # No example by AWS exists for Lambda: entities may be ARNs or names, here or in `resources`.
    entities = [one.get("entityValue", "") for one in detail.get("affectedEntities") or ()]
    return Signal(
        kind=SignalKind.HEALTH,
        at=parse_moment(data.time),
        id=data.get_id,
        functions=_names(entities) or _names(event.get("resources") or ()),
        source=code,
    )


def _names(references: Iterable[str]) -> tuple[str, ...]:
    """The functions among the references, each once; what is no function is left out."""
    found: dict[str, None] = {}
    for reference in references:
        try:
            found[parse_metric_name(reference)] = None
        except InvalidFunctionReferenceError:
            logger.warning("names no function", reference=reference[:200])
    return tuple(found)


def _list_keys(keys: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, keys))) or "nothing"


def _make_error(event: object, what: str) -> UnrecognisedSignalError:
    seen = type(event).__name__
    if isinstance(event, Mapping):
        seen = (
            f"source {event.get('source')!r}, detail-type {event.get('detail-type')!r}, "
            f"keys {_list_keys(event)}"
        )
    return UnrecognisedSignalError(
        f"no trigger of Loopbreaker sends this event: {what}. Seen: {seen}. Accepted: {_ACCEPTED}"
    )
