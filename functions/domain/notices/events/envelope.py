"""What is sent of an event: its facts in the envelope that every event has."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.domain.notices.events.encode import cut_text, to_plain
from functions.domain.notices.events.facts import EventDetail, FunctionFact
from functions.domain.notices.events.record import EventSeverity
from functions.domain.notices.layout import SUBJECT_LIMIT
from functions.domain.notices.notice import Deployment, Notice

# The source of the events on the bus. No rule of the guard's matches it.
SOURCE: Final = "loopbreaker"
VERSION: Final = 1
_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """An event as sinks take it.

    Attributes
    ----------
    id
        The same each time it is sent.
    detail_type
        Its kind in words, such as ``Function Stopped``.
    detail
        An `EventDetail` in JSON's terms: what is not known is left out.
    """

    id: str
    at: datetime
    detail_type: str
    severity: EventSeverity
    detail: Mapping[str, Any]
    function_arn: str = ""

    @property
    def text(self) -> str:
        """The detail as JSON, below 8 KB."""
        return json.dumps(self.detail, separators=(",", ":"), ensure_ascii=False)


def compose_event(notice: Notice, key: str, deployment: Deployment) -> OutgoingEvent | None:
    """Put the event of a notice into its envelope; ``None`` for a notice without one.

    Parameters
    ----------
    key
        What tells the notice from all others of its moment, such as its id in an outbox.
    """
    event = notice.event
    if event is None:
        return None
    place = (deployment.account or "", deployment.region or "", deployment.stack_name or "")
    name = "\n".join((*place, event.kind.value, event.function, event.at.isoformat(), key))
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()[:_ID_LENGTH]
    envelope = EventDetail(
        version=VERSION,
        id=digest,
        kind=event.kind.value,
        severity=event.severity.value,
        occurred_at=event.at,
        account=place[0],
        region=place[1],
        stack=place[2],
        subject=cut_text(notice.subject, SUBJECT_LIMIT),
        function=FunctionFact(name=event.function, arn=event.function_arn)
        if event.function
        else None,
    )
    # The envelope comes first: that is how people read it.
    own = {one.name for one in dataclasses.fields(EventDetail)}
    facts = {name: one for name, one in json.loads(event.facts).items() if name in own}
    return OutgoingEvent(
        id=digest,
        at=event.at,
        detail_type=event.kind.detail_type,
        severity=event.severity,
        detail={**_order(to_plain(envelope)), **facts},
        function_arn=event.function_arn,
    )


_FIRST: Final = ("version", "id", "kind", "severity", "occurred_at")


def _order(plain: dict[str, Any]) -> dict[str, Any]:
    return {**{name: plain[name] for name in _FIRST}, **plain}
