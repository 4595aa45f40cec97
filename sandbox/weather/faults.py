"""Makes chosen API calls fail, for tests of what happens then."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(slots=True)
class Fault:
    """The next ``times`` calls of ``action`` fail; with ``role`` only those made by that role.

    ``action`` is the IAM name, such as ``lambda:PutFunctionConcurrency``; ``lambda:*`` means every
    action of the service. ``is_applied`` makes the call take effect before its answer is lost.
    """

    action: str
    code: str
    status: int = 400
    message: str = "injected fault"
    times: int = 1
    role: str | None = None
    is_applied: bool = False

    def concerns(self, action: str, role: str | None) -> bool:
        """Whether this fault hits a call."""
        service = self.action.partition(":")[0]
        return (
            self.times > 0
            and (
                self.action == action
                or self.action == f"{service}:*" == f"{action.partition(':')[0]}:*"
            )
            and (self.role is None or (role is not None and self.role in role))
        )


class FaultTable:
    """The faults still to happen."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether no call is to fail."""
        return not self._faults

    def add(self, fault: Fault) -> None:
        """Let calls fail from now on."""
        with self._lock:
            self._faults.append(fault)

    def take(self, action: str, role: str | None) -> Fault | None:
        """The fault that hits this call, counted down."""
        with self._lock:
            for fault in self._faults:
                if fault.concerns(action, role):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        """Let no call fail any more."""
        with self._lock:
            self._faults.clear()
