"""Events on the default bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.domain.notices.events.envelope import SOURCE
from functions.domain.notices.events.ports import Receipt, Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from functions.domain.notices.events.envelope import OutgoingEvent

IAM_ACTIONS: Final = frozenset({"events:PutEvents"})

# EventBridge API, *PutEvents*: up to 10 entries a request, below 256 KB together (user guide,
# *Calculating PutEvents event entry size*; some accounts have 1 MB). Ten of ours have below 100 KB.
MOST_ENTRIES: Final = 10
# In this Region, whatever it is called in other accounts.
_BUS: Final = "default"


class EventBus:
    """The port `EventSink`, on EventBridge's default bus."""

    name = Sink.BUS

    def __init__(self, client: EventBridgeClient) -> None:
        self._client = client

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """See the port. Of a request some entries may be taken and others not."""
        taken: set[str] = set()
        why = ""
        for begin in range(0, len(events), MOST_ENTRIES):
            chunk = events[begin : begin + MOST_ENTRIES]
            try:
                answer = self._client.put_events(Entries=[_make_entry(one) for one in chunk])
            except AWS_ERRORS as error:
                return Receipt(taken=frozenset(taken), why=get_message(error))
            # One answer for each entry, in their order (*PutEvents*, response elements).
            for event, entry in zip(chunk, answer["Entries"], strict=False):
                if entry.get("EventId"):
                    taken.add(event.id)
                else:
                    why = f"{entry.get('ErrorCode', '')}: {entry.get('ErrorMessage', '')}"
        return Receipt(taken=frozenset(taken), why=why)


def _make_entry(event: OutgoingEvent) -> PutEventsRequestEntryTypeDef:
    entry: PutEventsRequestEntryTypeDef = {
        "Time": event.at,
        "Source": SOURCE,
        "DetailType": event.detail_type,
        "Detail": event.text,
        "EventBusName": _BUS,
    }
    if event.function_arn:
        entry["Resources"] = [event.function_arn]
    return entry
