"""What a person asks a guard function for directly, as the event of an invocation.

The event is ``{"loopbreaker": {"version": 1, "request": "status", ...}}``. It is read strictly: a
field too many, or one of another type, is a rejection, because a request may stop a function. What
is rejected changes nothing.

=============  =====================================================  ==================
request        fields beside ``version`` and ``request``              asked of
=============  =====================================================  ==================
``status``     ``after``                                              ``restore``
``history``    ``functions``, ``since``, ``before``, ``before_id``,   ``restore``
               ``limit``
``overview``   none                                                   ``restore``
``restore``    ``id``, ``functions``, ``all``, ``mode``, ``force``,   ``restore``
               ``not_after``
``stop``       ``id``, ``function``, ``ordered_by``, ``not_after``    ``contain``
``rehearse``   ``id``, ``function``, ``at``                           ``contain``
=============  =====================================================  ==================

A request that changes something has an id. The same id is carried out once, however often Lambda
or the caller sends it. After the moment ``not_after`` it is not carried out at all: a button on a
page must not act on what the page does not show.

CloudWatch adds ``widgetContext`` to every call of a custom widget, that of a button too (CloudWatch
user guide, *Details about custom widgets*). UNCONFIRMED A-066: whether it adds the parameters of
the widget as well. So what stands beside a request is left alone where there is such a context.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.errors import LoopbreakerError
from functions.domain.requests.terms import RestoreMode, RestoreTerms

MARK: Final = "loopbreaker"
VERSION: Final = 1
CONTEXT: Final = "widgetContext"
MOST_FUNCTIONS: Final = 50
MOST_ENTRIES: Final = 100
_LONGEST_REFERENCE: Final = 300
# An ARN of an IAM user with the longest path has about 620 characters (IAM user guide, *quotas*).
_LONGEST_CALLER: Final = 1_000
_LONGEST_SHOWN: Final = 80
_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestError(LoopbreakerError):
    """When an event is no request that this version carries out; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """What is contained or held now.

    Attributes
    ----------
    after
        The `StatusAnswer.next_after` of the page before; empty for the first page.
    """

    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRequest:
    """Which incidents have ended, newest first.

    Attributes
    ----------
    functions
        Names; empty for all functions, of which the last 14 days are known.
    since, before
        When the incidents ended: not before `since`, and before `before`; ``None`` for no bound.
    before_id
        Also those that ended at `before`, if their id sorts before this: for the next page.
    limit
        Most incidents of one answer, from 1 to `MOST_ENTRIES`.
    """

    functions: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    before_id: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """Put functions back.

    Attributes
    ----------
    functions
        Names or ARNs; empty with `is_for_all`, which means all that the guard holds.
    not_after
        When it is too late to carry it out; ``None`` for never.
    terms
        How they are restored. A guard of an earlier version refuses what it does not know.
    """

    id: str
    functions: tuple[str, ...] = ()
    is_for_all: bool = False
    not_after: datetime | None = None
    terms: RestoreTerms = field(default_factory=RestoreTerms)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequest:
    """Stop a function now, by order of a person.

    Attributes
    ----------
    function
        Its name or ARN.
    ordered_by
        ARN of the caller, as the caller says: Lambda does not tell a function who invoked it.
        Empty where it is not known.
    not_after
        When it is too late to carry it out; ``None`` for never.
    """

    id: str
    function: str
    ordered_by: str = ""
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRequest:
    """The page of the guard as data: what is open, what was, and how the guard is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearseRequest:
    """Judge a function of a drill as in observe mode, and send the notice; nothing is changed.

    Attributes
    ----------
    function
        Its name or ARN. Functions that are none of a drill are refused, see
        `functions.domain.requests.drill`.
    at
        As of when it is judged, if that is later than the guard's own time.
    """

    id: str
    function: str
    at: datetime | None = None


DirectRequest: TypeAlias = (
    StatusRequest
    | HistoryRequest
    | OverviewRequest
    | RestoreRequest
    | StopRequest
    | RehearseRequest
)


def build_event(request: DirectRequest) -> dict[str, Any]:
    """Write a request as the event of an invocation."""
    fields: dict[str, Any]
    match request:
        case StatusRequest(after=after):
            name, fields = "status", {"after": after} if after else {}
        case HistoryRequest():
            bounds = {"since": request.since, "before": request.before}
            written = {key: at.isoformat() for key, at in bounds.items() if at is not None}
            name, fields = "history", {"limit": request.limit, **written}
            fields |= {"before_id": request.before_id} if request.before_id else {}
            fields |= {"functions": list(request.functions)} if request.functions else {}
        case OverviewRequest():
            name, fields = "overview", {}
        case RestoreRequest(id=id_, functions=functions, is_for_all=is_for_all, terms=terms):
            name = "restore"
            asked = {"all": True} if is_for_all else {"functions": list(functions)}
            fields = {"id": id_, **asked, **_write_terms(terms), **_write_end(request)}
        case StopRequest():
            name = "stop"
            fields = {"id": request.id, "function": request.function}
            fields |= {"ordered_by": request.ordered_by} if request.ordered_by else {}
            fields |= _write_end(request)
        case RehearseRequest(at=at):
            name = "rehearse"
            fields = {"id": request.id, "function": request.function}
            fields |= {} if at is None else {"at": at.isoformat()}
    return {MARK: {"version": VERSION, "request": name, **fields}}


def _write_end(request: RestoreRequest | StopRequest) -> dict[str, str]:
    end = request.not_after
    return {} if end is None else {"not_after": end.isoformat()}


def is_direct_request(event: object) -> bool:
    """Tell a request from every other event: only it has an object under this key."""
    return isinstance(event, Mapping) and isinstance(event.get(MARK), Mapping)


def is_from_widget(event: Mapping[str, Any]) -> bool:
    """Whether a request was sent by a button on a dashboard: people read the answer there."""
    return CONTEXT in event


def parse_request(event: Mapping[str, Any]) -> DirectRequest:
    """Read the event of an invocation.

    Raises
    ------
    RequestError
        When it has not exactly the shape that `build_event` writes.
    """
    if not is_direct_request(event) or (len(event) != 1 and not is_from_widget(event)):
        raise RequestError(f"the event is not an object with the one key {MARK!r}")
    fields = dict(event[MARK])
    version, name = fields.pop("version", None), fields.pop("request", None)
    if type(version) is not int or version != VERSION:
        raise RequestError(
            f"the deployed Loopbreaker carries out requests of version {VERSION}, not"
            f" {_show(version)}: deploy the version of your command line, or use that of the"
            " deployment"
        )
    match name:
        case "status":
            _refuse_others(fields, {"after"})
            return StatusRequest(after=_read_text(fields, "after", _LONGEST_REFERENCE))
        case "history":
            return _parse_history(fields)
        case "overview":
            _refuse_others(fields, set())
            return OverviewRequest()
        case "restore":
            return _parse_restore(fields)
        case "stop":
            _refuse_others(fields, {"id", "function", "ordered_by", "not_after"})
            return StopRequest(
                id=_read_id(fields),
                function=_check_reference(fields.get("function")),
                ordered_by=_read_text(fields, "ordered_by", _LONGEST_CALLER),
                not_after=_read_moment(fields, "not_after"),
            )
        case "rehearse":
            _refuse_others(fields, {"id", "function", "at"})
            return RehearseRequest(
                id=_read_id(fields),
                function=_check_reference(fields.get("function")),
                at=_read_moment(fields, "at"),
            )
    raise RequestError(
        f"request is {_show(name)}; allowed are status, history, overview, restore, stop and"
        " rehearse"
    )


def _parse_history(fields: Mapping[str, Any]) -> HistoryRequest:
    _refuse_others(fields, {"functions", "since", "before", "before_id", "limit"})
    limit = fields.get("limit", HistoryRequest().limit)
    if type(limit) is not int or not 1 <= limit <= MOST_ENTRIES:
        raise RequestError(f"limit is {_show(limit)}; allowed is 1 to {MOST_ENTRIES}")
    named = _read_functions(fields) if "functions" in fields else ()
    return HistoryRequest(
        functions=tuple(dict.fromkeys(map(parse_function_name, named))),
        since=_read_moment(fields, "since"),
        before=_read_moment(fields, "before"),
        before_id=_read_text(fields, "before_id", _LONGEST_REFERENCE),
        limit=limit,
    )


def _parse_restore(fields: Mapping[str, Any]) -> RestoreRequest:
    _refuse_others(fields, {"id", "functions", "all", "mode", "force", "not_after"})
    is_for_all = fields.get("all", False)
    if type(is_for_all) is not bool:
        raise RequestError(f"all is {_show(is_for_all)}; allowed is true or false")
    if is_for_all == ("functions" in fields):
        raise RequestError("name functions, or say all; not both")
    functions = () if is_for_all else _read_functions(fields)
    return RestoreRequest(
        id=_read_id(fields),
        functions=functions,
        is_for_all=is_for_all,
        not_after=_read_moment(fields, "not_after"),
        terms=_read_terms(fields),
    )


def _write_terms(terms: RestoreTerms) -> dict[str, Any]:
    """What is not as by default: an earlier version understands what it knows."""
    mode = {} if terms.mode is RestoreMode.NOW else {"mode": terms.mode.value}
    return {**mode, "force": True} if terms.is_forced else mode


def _read_terms(fields: Mapping[str, Any]) -> RestoreTerms:
    found, is_forced = fields.get("mode", RestoreMode.NOW.value), fields.get("force", False)
    if found not in list(RestoreMode):
        allowed = " or ".join(RestoreMode)
        raise RequestError(f"mode is {_show(found)}; allowed is {allowed}")
    if type(is_forced) is not bool:
        raise RequestError(f"force is {_show(is_forced)}; allowed is true or false")
    terms = RestoreTerms(mode=RestoreMode(found), is_forced=is_forced)
    if terms.is_forced and terms.mode is RestoreMode.PROBATION:
        raise RequestError("force is true, but a probation needs no force: leave one of them out")
    return terms


def _refuse_others(fields: Mapping[str, Any], allowed: set[str]) -> None:
    others = sorted(map(str, fields.keys() - allowed))
    if others:
        raise RequestError(
            f"unknown field {_show(others[0])}; allowed are {', '.join(sorted(allowed)) or 'none'}"
        )


def _read_id(fields: Mapping[str, Any]) -> str:
    found = fields.get("id")
    if not isinstance(found, str) or _ID.fullmatch(found) is None:
        raise RequestError(f"id is {_show(found)}; allowed are 8 to 64 letters, digits and hyphens")
    return found


def _read_functions(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = fields.get("functions")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_FUNCTIONS:
        raise RequestError(f"functions is not a list of 1 to {MOST_FUNCTIONS} names")
    return tuple(map(_check_reference, found))


def _check_reference(found: object) -> str:
    if not isinstance(found, str) or len(found) > _LONGEST_REFERENCE:
        raise RequestError(f"{_show(found)} is not a Lambda function: give its name or its ARN")
    try:
        parse_function_name(found)
    except InvalidFunctionReferenceError as error:
        raise RequestError(str(error)) from error
    return found.strip()


def _read_text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    found = fields.get(name, "")
    if not isinstance(found, str) or len(found) > longest or not found.isprintable():
        raise RequestError(f"{name} is not a text of at most {longest:,} printable characters")
    return found


def _read_moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    if name not in fields:
        return None
    found = fields[name]
    try:
        moment = datetime.fromisoformat(found)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RequestError(
            f"{name} is {_show(found)}; allowed is a moment such as 2026-11-23T03:15:00+00:00"
        )
    return moment


def _show(found: object) -> str:
    """The value as a short text; of what is no text, number or nothing, its kind alone."""
    if found is None:
        return "missing"
    if isinstance(found, str):
        return repr(found[:_LONGEST_SHOWN])
    if isinstance(found, bool | float):
        return str(found)
    return f"a {type(found).__name__}" if not isinstance(found, int) else _show_number(found)


def _show_number(found: int) -> str:
    most = 10**_LONGEST_SHOWN
    return str(found) if -most < found < most else "a very large number"
