"""Asks the deployed guard: one invocation of a Lambda function for each request.

An invocation is never repeated by the SDK. One that is throttled did not run, and is tried again
here. What changes something has an id, so that the guard carries it out once in any case.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cdk_loopbreaker.operating.errors import (
    OperatingError,
    explain_aws_error,
    explain_failed_run,
    is_throttled,
)
from functions.domain.requests.answer import (
    AnswerError,
    HistoryAnswer,
    OverviewAnswer,
    RehearsalAnswer,
    RejectedAnswer,
    Rejection,
    RestoreAnswer,
    StatusAnswer,
    StopAnswer,
    parse_answer,
)
from functions.domain.requests.request import (
    MOST_ENTRIES,
    HistoryRequest,
    OverviewRequest,
    RehearseRequest,
    RestoreRequest,
    StatusRequest,
    StopRequest,
    build_event,
)
from functions.domain.requests.terms import RestoreTerms
from stacks.names import CONTAIN, RESTORE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.domain.page.overview import Overview
    from functions.domain.requests.answer import Answer
    from functions.domain.requests.request import DirectRequest
    from functions.domain.requests.summary import EndedIncident, OpenIncident

# The guard answers within 3 minutes, even where it waits for another run.
READ_SECONDS: Final = 300
CONNECT_SECONDS: Final = 10
_TRIES_WHEN_THROTTLED: Final = 5
_PAUSE_SECONDS: Final = 1.0
# More open incidents than this are not listed: 100 a page.
_MOST_PAGES: Final = 50

_A = TypeVar(
    "_A",
    StatusAnswer,
    HistoryAnswer,
    OverviewAnswer,
    RestoreAnswer,
    StopAnswer,
    RehearsalAnswer,
)


class RequestRejectedError(OperatingError):
    """Raised when the guard did not carry a request out; `reason` is text of a `Rejection`."""

    def __init__(self, answer: RejectedAnswer) -> None:
        super().__init__(answer.text)
        self.reason = answer.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardClient:
    """The guard of one account and Region.

    Attributes
    ----------
    client
        A client of Lambda, without retries.
    region
        Of the client, for messages.
    sleep
        Waits between two tries of a throttled invocation.
    """

    client: Any
    region: str
    sleep: Callable[[float], None] = time.sleep

    def read_status(self) -> StatusAnswer:
        """Read what is held and open, all pages.

        Raises
        ------
        OperatingError
            When the guard cannot be asked, or does not carry the request out. So do the others.
        """
        first = self._ask(StatusRequest(), StatusAnswer)
        found: list[OpenIncident] = [*first.open]
        after = first.next_after
        for _ in range(_MOST_PAGES):
            if not after:
                break
            page = self._ask(StatusRequest(after=after), StatusAnswer)
            found += page.open
            after = page.next_after if page.next_after > after else ""
        return StatusAnswer(
            at=first.at,
            open=tuple(found),
            next_after=after,
            tagged=first.tagged,
            unreadable=first.unreadable,
            remedies=first.remedies,
            findings=first.findings,
            findings_open=first.findings_open,
        )

    def read_history(
        self, functions: tuple[str, ...], *, since: datetime | None, limit: int
    ) -> HistoryAnswer:
        """Read ended incidents, newest first, at most `limit`."""
        asked = HistoryRequest(functions=functions, since=since, limit=min(MOST_ENTRIES, limit))
        page = self._ask(asked, HistoryAnswer)
        found: dict[str, EndedIncident] = {one.id: one for one in page.ended}
        while page.has_more and len(found) < limit:
            last = page.ended[-1]
            following = replace(asked, before=last.ended_at, before_id=last.id, limit=MOST_ENTRIES)
            page = self._ask(following, HistoryAnswer)
            fresh = {one.id: one for one in page.ended if one.id not in found}
            if not fresh:
                break
            found |= fresh
        return HistoryAnswer(
            at=page.at,
            ended=tuple(found.values())[:limit],
            known_since=page.known_since,
            has_more=page.has_more or len(found) > limit,
        )

    def read_overview(self) -> Overview:
        """Read the page of the guard as data.

        Raises
        ------
        OperatingError
            Also when the deployed guard is older than the page.
        """
        try:
            return self._ask(OverviewRequest(), OverviewAnswer).overview
        except RequestRejectedError as error:
            if error.reason != Rejection.INVALID:
                raise
            raise OperatingError(
                f"the deployed Loopbreaker has no page ({error}): deploy the version of this"
                " command line"
            ) from error

    def restore(
        self,
        functions: tuple[str, ...],
        *,
        is_for_all: bool = False,
        terms: RestoreTerms | None = None,
    ) -> RestoreAnswer:
        """Restore functions by name or ARN, or all that the guard holds."""
        asked = RestoreRequest(
            id=uuid.uuid4().hex,
            functions=functions,
            is_for_all=is_for_all,
            terms=terms or RestoreTerms(),
        )
        return self._ask(asked, RestoreAnswer)

    def stop(self, function: str, ordered_by: str) -> StopAnswer:
        """Stop a function by name or ARN."""
        asked = StopRequest(id=uuid.uuid4().hex, function=function, ordered_by=ordered_by)
        return self._ask(asked, StopAnswer)

    def rehearse(self, function: str, at: datetime) -> RehearsalAnswer:
        """Have a function of a drill judged as in observe mode; nothing is changed."""
        asked = RehearseRequest(id=uuid.uuid4().hex, function=function, at=at)
        return self._ask(asked, RehearsalAnswer)

    def _ask(self, request: DirectRequest, wanted: type[_A]) -> _A:
        answer = self._invoke(request)
        if isinstance(answer, RejectedAnswer):
            raise RequestRejectedError(answer)
        if not isinstance(answer, wanted):
            raise OperatingError("Loopbreaker answered something else than it was asked")
        return answer

    def _invoke(self, request: DirectRequest) -> Answer:
        function = CONTAIN if isinstance(request, StopRequest | RehearseRequest) else RESTORE
        response = self._call(function, json.dumps(build_event(request)).encode())
        payload = _read_json(response)
        if response.get("FunctionError"):
            raise OperatingError(explain_failed_run(function, payload))
        try:
            return parse_answer(payload)
        except AnswerError as error:
            raise OperatingError(
                f"{function} sent an answer that this version does not understand ({error}): use"
                " the version of the command line that is deployed"
            ) from error

    def _call(self, function: str, payload: bytes) -> dict[str, Any]:
        for left in reversed(range(_TRIES_WHEN_THROTTLED)):
            try:
                response: dict[str, Any] = self.client.invoke(
                    FunctionName=function, InvocationType="RequestResponse", Payload=payload
                )
            except Exception as error:
                if left and is_throttled(error):
                    self.sleep(_PAUSE_SECONDS * (_TRIES_WHEN_THROTTLED - left))
                    continue
                text = explain_aws_error(error, function, self.region)
                if not text:
                    raise
                raise OperatingError(text) from error
            return response
        raise AssertionError("the last try returns or raises")  # pragma: no cover


def _read_json(response: dict[str, Any]) -> Any:
    try:
        return json.loads(response["Payload"].read())
    except (KeyError, AttributeError, ValueError, RecursionError) as error:
        raise OperatingError("the answer of Loopbreaker is not JSON") from error
