"""Every event that wakes the diagnosis, read into one of a few forms.

The shapes are those of the EventBridge reference (*Scheduled events*, *Events via CloudTrail*) and
of CloudTrail's record contents. Calls of IAM are told in us-east-1 only, because IAM is a global
service (CloudTrail user guide, *Global service events*); in other Regions the daily round finds
what they changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.clock import parse_moment
from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.triage import ROLE, DeniedInvocation, Tick, Touched
from functions.domain.errors import UnrecognisedSignalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from functions.domain.diagnosis.triage import DiagnosisSignal

IAM_ACTIONS: Final[frozenset[str]] = frozenset()  # events come by themselves


_SCHEDULED: Final = "Scheduled Event"
_API_CALL: Final = "AWS API Call via CloudTrail"
_INVOKE: Final = "Invoke"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "Client.UnauthorizedAccess"})


def parse_diagnosis_signal(event: Mapping[str, Any]) -> DiagnosisSignal:
    """Read one event.

    Raises
    ------
    UnrecognisedSignalError
        When it has a shape that no trigger of the stack sends.
    """
    if not isinstance(event, Mapping):
        raise _make_error(event, "not an object")
    try:
        return _parse(event)
    except (
        InvalidFunctionReferenceError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ValueError,
    ) as error:
        raise _make_error(event, f"{type(error).__name__} {error}") from error


def _parse(event: Mapping[str, Any]) -> DiagnosisSignal:
    match event.get("detail-type"), event.get("source"):
        case (str() as kind, "aws.events" | "aws.scheduler") if kind == _SCHEDULED:
            return Tick(at=parse_moment(event["time"]))
        case (str() as kind, "aws.lambda") if kind == _API_CALL:
            return _parse_lambda_call(event["detail"], event["time"])
        case (str() as kind, "aws.iam") if kind == _API_CALL:
            return _parse_iam_call(event["detail"], event["time"])
        case _:
            raise _make_error(event, "an unknown kind of event")


def _parse_lambda_call(detail: Mapping[str, Any], time: str) -> DiagnosisSignal:
    at = parse_moment(detail.get("eventTime") or time)
    parameters = detail.get("requestParameters") or {}
    if detail["eventName"] == _INVOKE:
        return _parse_invocation(detail, parameters, at)
    if detail.get("errorCode"):
        return Touched(at=at, names=())
    reference = parameters.get("functionName")
    return Touched(at=at, names=(parse_function_name(reference),) if reference else ())


def _parse_invocation(
    detail: Mapping[str, Any], parameters: Mapping[str, Any], at: datetime
) -> DiagnosisSignal:
    if detail.get("errorCode") not in _DENIED:
        return Touched(at=at, names=())
    reference = next(_find_functions(detail), "") or str(parameters.get("functionName", ""))
    name = parse_function_name(reference)
    principal = _find_principal(detail.get("userIdentity") or {})
    qualifier = str(parameters.get("qualifier", ""))
    return DeniedInvocation(
        at=at,
        function=name,
        call=DeniedCall(
            source=DenialSource.CLOUDTRAIL,
            principal_arn=principal,
            last_at=at,
            message=str(detail.get("errorMessage", ""))[:1000],
            qualifier=qualifier,
        ),
    )


def _find_functions(detail: Mapping[str, Any]) -> Iterator[str]:
    for resource in detail.get("resources") or ():
        if resource.get("type") == "AWS::Lambda::Function":
            yield str(resource.get("ARN", ""))


def _find_principal(identity: Mapping[str, Any]) -> str:
    """The role or user whose policies decide: of a session, the role that issued it."""
    issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
    return str(issuer.get("arn") or identity.get("arn") or identity.get("invokedBy") or "")


def _parse_iam_call(detail: Mapping[str, Any], time: str) -> DiagnosisSignal:
    at = parse_moment(detail.get("eventTime") or time)
    role = str((detail.get("requestParameters") or {}).get("roleName", ""))
    if detail.get("errorCode") or not role:
        # A new version of a managed policy names no role: the daily round reads its text.
        return Touched(at=at, names=())
    return Touched(at=at, names=(f"{ROLE}{role}",))


def _make_error(event: object, why: str) -> UnrecognisedSignalError:
    known = ", ".join(sorted(str(key) for key in event)) if isinstance(event, Mapping) else ""
    return UnrecognisedSignalError(
        f"the diagnosis does not know this event ({why}); its keys: {known[:300]}; expected: a "
        f"'{_SCHEDULED}' of aws.events, '{_API_CALL}' of aws.lambda or aws.iam, or a custom "
        "resource of CloudFormation"
    )
