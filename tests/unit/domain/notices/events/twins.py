"""The event of every mail on docs/notices.md, by the marker of the mail on that page."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final

from functions.domain.notices.events.envelope import OutgoingEvent, compose_event
from functions.domain.notices.events.graph import describe_blind_spots, describe_loops
from functions.domain.notices.events.record import NoticeEvent
from functions.domain.notices.notice import Notice, with_event
from tests.unit.domain.notices.diagnosis import test_finding as diagnosis
from tests.unit.domain.notices.graph import test_warning as graph
from tests.unit.domain.notices.samples.account import DEPLOYMENT
from tests.unit.domain.notices.samples.mails import SAMPLES

ROOT: Final = Path(__file__).parents[5]
NOTICES: Final = Path(__file__).parents[1]
_WARNINGS: Final[dict[str, Callable[[], NoticeEvent]]] = {
    "certain": lambda: describe_loops([graph.loop(graph.CERTAIN)], graph.READ_AT),
    "digest": lambda: describe_loops(
        [graph.loop(one) for one in (graph.POSSIBLE, graph.BY_QUEUE)], graph.READ_AT
    ),
    "allowed": lambda: describe_loops([graph.loop(graph.ALLOWED)], graph.READ_AT),
    "setting_unread": lambda: describe_loops([graph.loop(graph.UNREAD)], graph.READ_AT),
    "first_look": lambda: describe_loops(
        [graph.loop(one) for one in (graph.CERTAIN, graph.BY_QUEUE, graph.POSSIBLE)], graph.READ_AT
    ),
    "many_at_once": lambda: describe_loops(graph.many(30), graph.READ_AT),
    "blind_spots": lambda: describe_blind_spots(graph.GAPS, graph.READ_AT),
}


def _warn(name: str) -> Notice:
    return with_event(graph.SAMPLES[name], _WARNINGS[name]())


def _golden(folder: str, name: str) -> Path:
    return NOTICES / folder / "golden" / f"{name}.json"


# The mail with its event, and where the event lies beside the mail.
TWINS: Final[dict[str, tuple[Callable[[], Notice], Path]]] = {
    **{name: (one, _golden("", name)) for name, one in SAMPLES.items()},
    **{
        f"warning: {name}": (functools.partial(_warn, name), _golden("graph", name))
        for name in graph.SAMPLES
    },
    **{
        f"diagnosis: {name}": (one, _golden("diagnosis", name))
        for name, one in diagnosis.SAMPLES.items()
    },
}


@functools.cache
def compose_twin(name: str) -> OutgoingEvent | None:
    """What is sent with a mail; ``None`` where that has no event."""
    notice, _ = TWINS[name]
    return compose_event(notice(), name, DEPLOYMENT)
