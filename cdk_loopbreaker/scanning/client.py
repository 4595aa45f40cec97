"""Calls of a scan: paced, counted, and ended when somebody asks for it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, OutOfTimeError, ReadClient, UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functions.aws.account.rate_limit import Quota
    from functions.aws.account.read_client import Operation

STOPPED: Final = "the scan was stopped before this was read"
"""Why something is a gap that nobody asked for."""

_LOOK_SECONDS: Final = 0.1
_CREDENTIALS_ENDED: Final = "the credentials have expired"
# What an answer, or botocore, begins with once credentials are not valid any more.
_ENDED: Final = frozenset(
    {
        "CredentialRetrievalError",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)


class StopSignal:
    """Asks a reading to end before its next call; safe for threads and signal handlers.

    It takes no lock: a handler runs in the midst of whatever the main thread does, which may be
    waiting here.

    Attributes
    ----------
    reason
        Why the reading is to end; empty while it goes on.
    """

    def __init__(self) -> None:
        self.reason = ""

    @property
    def is_set(self) -> bool:
        """Whether the reading is to end."""
        return bool(self.reason)

    def set(self, reason: str) -> None:
        """Ask for the end; the first reason stays."""
        self.reason = self.reason or reason

    def sleep(self, seconds: float) -> None:
        """Let seconds pass.

        Raises
        ------
        OutOfTimeError
            As soon as the end is asked for.
        """
        until = time.monotonic() + seconds
        while not self.is_set:
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK_SECONDS))
        raise OutOfTimeError(self.reason)


class ScanClient(ReadClient):
    """Asks AWS as the deployed guard does, and ends with the signal or the credentials.

    Parameters
    ----------
    client
        The client of a service, by botocore's name of the service.
    rates
        Calls a second, by what AWS counts together; ``None`` for the guard's share of AWS's rates.
    on_call
        Called before each call of AWS, from several threads.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        *,
        stop: StopSignal,
        rates: Mapping[Quota, float] | None = None,
        on_call: Callable[[Operation], None] = lambda _: None,
    ) -> None:
        super().__init__(
            client,
            RateLimiter(rates, sleep=stop.sleep),
            is_time_up=lambda: stop.is_set,
            retry=replace(READS, sleep=stop.sleep),
        )
        self._stop = stop
        self._on_call = on_call

    def ask(self, operation: Operation, **parameters: Any) -> dict[str, Any]:
        """The answer to one question.

        Raises
        ------
        NotAllowedError, GoneError, UnansweredError
        OutOfTimeError
            When the end was asked for, or the credentials have expired.
        """
        self._on_call(operation)
        try:
            return super().ask(operation, **parameters)
        except UnansweredError as error:
            if str(error).partition(":")[0] not in _ENDED:
                raise
            self._stop.set(_CREDENTIALS_ENDED)
            raise OutOfTimeError(operation.action) from error


class ClosedClient(ReadClient):
    """Answers nothing: whatever a reading still asks for becomes a gap."""

    def __init__(self, words: str = STOPPED) -> None:
        super().__init__(lambda _: None, RateLimiter({}))
        self._words = words

    def ask(self, operation: Operation, **_: Any) -> dict[str, Any]:
        """Raise `UnansweredError`."""
        raise UnansweredError(f"{self._words} ({operation.action})")
