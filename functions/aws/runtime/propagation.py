"""Waiting for IAM while CloudFormation is answered.

A policy that CloudFormation has created or changed is not in force everywhere yet: "The
CREATE_COMPLETE signal means CloudFormation accepted the policy - not that IAM has finished
propagating it" (aws-cdk, pull request 37878; issues 37675 and 31429). Custom resources run within
seconds of it, so a denied call is tried again for a while, call by call below the adapters: what
was denied has changed nothing, and what was done before it is not done twice.

UNCONFIRMED A-001: how long it takes; AWS gives no figure. When it takes longer, the call is denied
as it was without waiting. The same holds for a permission that is really missing, a minute later.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.client import BaseClient

LONGEST_SECONDS: Final = 75.0
# What is left of the run for the work itself and for the answer to CloudFormation.
RESERVE_SECONDS: Final = 30.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 5.0

# AuthorizationError is how SNS says it.
_DENIALS: Final = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
# The policy that denies is there already, so waiting changes nothing (IAM user guide,
# *Troubleshoot access denied error messages*).
_FOR_GOOD: Final = "explicit deny"


@dataclass(slots=True)
class IamPropagation:
    """Whether denied calls are tried again at present. The threads of a run share it.

    Parameters
    ----------
    clock
        Seconds since some moment.
    """

    clock: Callable[[], float] = time.monotonic
    _ends_at: float = field(default=float("-inf"), init=False)

    @contextmanager
    def wait_for_propagation(self, seconds_left: float) -> Iterator[None]:
        """Try denied calls again inside, for `LONGEST_SECONDS` in all.

        Parameters
        ----------
        seconds_left
            Until Lambda ends the run. `RESERVE_SECONDS` of it are left alone.
        """
        self._ends_at = self.clock() + min(LONGEST_SECONDS, seconds_left - RESERVE_SECONDS)
        try:
            yield
        finally:
            self._ends_at = float("-inf")

    def attach(self, client: BaseClient) -> None:
        """Have a client ask `pause` after every attempt."""
        events: Any = client.meta.events  # its stubs say that a handler answers nothing
        events.register("needs-retry", self.pause, unique_id="propagation")

    def pause(self, *, response: Any, attempts: int, **_: object) -> float | None:
        """Seconds until the next attempt, or ``None`` for no attempt by reason of this.

        Called by botocore's event `needs-retry`, with the HTTP response and what was read out of
        it, or nothing when there was no response.
        """
        if response is None:
            return None
        error = response[1].get("Error", {})
        if error.get("Code") not in _DENIALS or _FOR_GOOD in str(error.get("Message", "")):
            return None
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (attempts - 1))
        return longest if self.clock() + longest <= self._ends_at else None


PROPAGATION: Final = IamPropagation()
