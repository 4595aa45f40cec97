"""One call of AWS at a time: in its pace, tried again, and its errors distinguished.

What can go wrong with a question has four forms here, because a reading answers each in its own
way: it is not allowed (a gap), the thing is gone (skipped), AWS does not answer (a gap), the time
is up (the reading goes on in the next run).
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, get_code, get_message, is_passing
from functions.aws.runtime.observability import logger
from functions.aws.runtime.retry import Retry
from functions.domain.errors import LoopbreakerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from functions.aws.account.rate_limit import Quota, RateLimiter

READS: Final = Retry(attempts=5, first_pause_seconds=1.0, longest_pause_seconds=8.0)

_NOT_ALLOWED: Final = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|AuthorizationError")
# A policy of the thing itself, or of its key, refuses: the guard's own policy lacks nothing (IAM
# user guide, *Troubleshoot access denied error messages*; Step Functions API reference,
# *DescribeStateMachine*).
_REFUSED_BY_ITSELF: Final = re.compile(r"^Kms|resource-based policy")
_GONE: Final = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|NotExist")
_THROTTLED: Final = re.compile(r"Throttl|TooManyRequests|SlowDown|LimitExceeded|RequestLimit")
_STALE_TOKEN: Final = re.compile(r"token|marker|expired", re.IGNORECASE)


class NotAllowedError(LoopbreakerError):
    """When AWS does not let the guard ask.

    `action` is what its policy lacks; empty where the thing itself refuses, whoever asks.
    """

    def __init__(self, action: str, words: str) -> None:
        super().__init__(words)
        self.action = action


class GoneError(LoopbreakerError):
    """When the thing that was asked for does not exist (any more)."""


class UnansweredError(LoopbreakerError):
    """When AWS gives no answer that can be used, after the bounded retries."""


class StaleTokenError(UnansweredError):
    """When a listing cannot go on where it stopped."""


class OutOfTimeError(LoopbreakerError):
    """When the run has to end before the question can be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call that only reads, with what it takes.

    Attributes
    ----------
    service, method
        As botocore names them.
    action
        What a policy must allow for it.
    lane
        What it is counted with.
    """

    service: str
    method: str
    action: str
    lane: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How a listing is paged: the name of the token in question and answer, and of the entries."""

    ask: str = "NextToken"
    answer: str = "NextToken"


class ReadClient:
    """Asks AWS; safe for threads.

    It takes the pauses of a `Retry`, but its attempts are its own: each waits for its turn in the
    pace of its lane, a throttled one makes the lane slower, and none begins once the time is up.

    Parameters
    ----------
    client
        The client of a service, by botocore's name of the service.
    is_time_up
        Whether no further question may be asked in this run.
    retry
        The number of attempts and the pauses between them.

    Attributes
    ----------
    calls
        How often what was asked, by action; attempts are counted, not answers.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        pace: RateLimiter,
        *,
        is_time_up: Callable[[], bool] = lambda: False,
        retry: Retry = READS,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._client = client
        self._pace = pace
        self._is_time_up = is_time_up
        self._retry = retry
        self._lock = threading.Lock()

    def ask(self, operation: Operation, **parameters: Any) -> dict[str, Any]:
        """The answer to one question.

        Raises
        ------
        NotAllowedError, GoneError, UnansweredError, OutOfTimeError
        """
        method = getattr(self._client(operation.service), operation.method)
        for attempt in range(self._retry.attempts):
            self.check_time(operation.action)
            if attempt:
                self._retry.pause(attempt)
            self._pace.wait(operation.lane)
            with self._lock:
                self.calls[operation.action] += 1
            try:
                answer: dict[str, Any] = method(**parameters)
            except AWS_ERRORS as error:
                last = error
                if not self._may_pass(error, operation):
                    break
            else:
                return answer
        raise _classify_error(last, operation) from last

    def check_time(self, before: str = "more is done") -> None:
        """Raise `OutOfTimeError` when the run has to end."""
        if self._is_time_up():
            raise OutOfTimeError(before)

    def read_pages(
        self, operation: Operation, paging: Paging, *, start: str = "", **parameters: Any
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """The pages of a listing, each with the token of the next one (empty for the last).

        Raises
        ------
        StaleTokenError
            When AWS does not take the token `start` any more.
        NotAllowedError, GoneError, UnansweredError, OutOfTimeError
        """
        token = start
        while True:
            given = {paging.ask: token} if token else {}
            try:
                page = self.ask(operation, **parameters, **given)
            except UnansweredError as error:
                if token and _STALE_TOKEN.search(str(error)):
                    raise StaleTokenError(str(error)) from error
                raise
            following = page.get(paging.answer) or ""
            # A service that answers the same token again would be asked for ever.
            token = "" if following == token else following
            yield page, token
            if not token:
                return

    def _may_pass(self, error: Exception, operation: Operation) -> bool:
        if not isinstance(error, ClientError):
            return True  # no connection, no answer in time
        code = get_code(error)
        if _THROTTLED.search(code):
            self._pace.slow_down(operation.lane)
            logger.info("throttled", extra={"action": operation.action})
            return True
        return is_passing(error)


def _classify_error(error: Exception, operation: Operation) -> LoopbreakerError:
    if not isinstance(error, ClientError):
        return UnansweredError(f"{type(error).__name__}: {error}")
    code, words = get_code(error), get_message(error)
    if _NOT_ALLOWED.search(code):
        return NotAllowedError("" if _REFUSED_BY_ITSELF.search(words) else operation.action, words)
    if _GONE.search(code):
        return GoneError(words)
    return UnansweredError(words)
