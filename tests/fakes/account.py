"""In-memory twins of the ports, with AWS's rules, a journal of the calls and faults to inject.

One `FakeAccount` holds the state and the journal; the fakes of the ports are views of it:

>>> account = FakeAccount()
>>> account.add("orders", reserved=5)
>>> account.faults.crash_after(2)
>>> run(account.functions, account.metrics, account.ledger, account.publisher)
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from functions.domain.notices.events.ports import Sink
from tests.fakes.faults import Call, Faults, SimulatedCrash
from tests.fakes.functions import FakeFunctions, FakeHoldFacts
from tests.fakes.ledger import FakeLedger
from tests.fakes.metrics import FakeMetrics
from tests.fakes.outlets import FakeExamined, FakePublisher, FakeSink, FakeWayBack
from tests.fakes.resources import FakeFunction, FakeMapping, FakeQueue

if TYPE_CHECKING:
    from collections.abc import Iterator


ACCOUNT_ID: Final = "123456789012"


REGION: Final = "us-east-1"


class FakeAccount:
    """One account and Region: the functions, their metrics, the ledger and the mail."""

    def __init__(self, *, concurrency: int = 1000, unreserved_minimum: int = 100) -> None:
        self.concurrency = concurrency
        self.unreserved_minimum = unreserved_minimum
        self.faults = Faults()
        self.journal: list[Call] = []
        self.by_name: dict[str, FakeFunction] = {}
        self.by_uuid: dict[str, FakeMapping] = {}
        self._mappings_made = 0
        self.queues: dict[str, FakeQueue] = defaultdict(FakeQueue)  # by ARN
        self.stream_hours: dict[str, float] = defaultdict(lambda: 24.0)  # the same
        self.lock = threading.RLock()
        self.functions = FakeFunctions(self)
        self.hold_facts = FakeHoldFacts(self)
        self.metrics = FakeMetrics(self)
        self.ledger = FakeLedger(self)
        self.publisher = FakePublisher(self)
        self.bus = FakeSink(self, Sink.BUS)
        self.chat = FakeSink(self, Sink.CHAT)
        self.way_back = FakeWayBack(self)
        self.examined = FakeExamined(self)

    def add(self, name: str, **given: Any) -> FakeFunction:
        """Put a function into the account; `given` are fields of `FakeFunction`."""
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
        self.by_name[name] = FakeFunction(name=name, arn=arn, **given)
        return self.by_name[name]

    def add_mapping(self, function: str, source_arn: str, *, enabled: bool = True) -> FakeMapping:
        """Let a function poll a source. No identifier is ever used again, as in AWS."""
        self._mappings_made += 1
        uuid = f"00000000-0000-4000-8000-{self._mappings_made:012d}"
        self.by_uuid[uuid] = FakeMapping(
            uuid=uuid, function=function, source_arn=source_arn, enabled=enabled
        )
        return self.by_uuid[uuid]

    def delete(self, name: str) -> None:
        """Delete a function with its mappings, as a person does."""
        del self.by_name[name]
        for uuid in [one.uuid for one in self.by_uuid.values() if one.function == name]:
            del self.by_uuid[uuid]

    def reserves(self, name: str, concurrency: int | None) -> None:
        """Change a reservation as a person or a deploy does: outside of the journal."""
        self.by_name[name].reserved = concurrency

    def calls(self, *methods: str) -> list[Call]:
        """The journalled calls of these methods (``reserve`` or ``functions.reserve``), or all."""
        if not methods:
            return list(self.journal)
        return [one for one in self.journal if one.method in methods or one.name in methods]

    @contextmanager
    def call(self, port: str, method: str, **arguments: Any) -> Iterator[None]:
        """Journal one call and let its faults happen around its effect."""
        with self.lock:
            if self.faults._is_quiet:
                yield
                return
            if self.faults.is_dead:
                raise SimulatedCrash(f"{port}.{method} by a process that is gone")
            self.faults.count += 1
            call = Call(
                number=self.faults.count,
                port=port,
                method=method,
                arguments=MappingProxyType(arguments),
            )
            self.faults._act(call)
            if self.faults._crash_before == call.number:
                self.faults.is_dead = True
                raise SimulatedCrash(f"before call {call.number}, {call.name}")
            self.journal.append(call)
            failure = self.faults._take_failure(call)
            if failure is not None and not failure.lost:
                raise failure.error
            try:
                yield
            finally:
                if self.faults._crash_after == call.number:
                    self.faults.is_dead = True
                    # The answer, be it an error, never reaches the process.
                    raise SimulatedCrash(f"after call {call.number}, {call.name}") from None
            if failure is not None:
                raise failure.error
