"""A mail to people, and what its text needs beside the matter itself."""

from dataclasses import dataclass, replace
from datetime import timedelta

from functions.domain.detection.evidence import Trigger
from functions.domain.graph.loop_lookup import NOTHING_KNOWN, LoopStatus
from functions.domain.incidents.policy import Response
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.notices.events.record import NoticeEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent to people.

    Attributes
    ----------
    event
        The same as data, for programs; ``None`` where nothing is known but the text.
    """

    subject: str
    body: str
    event: NoticeEvent | None = None


def with_event(notice: Notice, event: NoticeEvent) -> Notice:
    """The mail with its twin."""
    return replace(notice, event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where and how the guard is deployed, as far as its mails say. Everything may be left out.

    Attributes
    ----------
    region, account
        Where the functions live; ``None`` leaves out what needs them.
    account_alias
        The name that people gave the account; empty for none, or where it could not be read.
    deploy_flags
        The flags that the next deployment must repeat, as the command line takes them: empty
        where there are none, ``None`` where that is unknown.
    is_embedded
        Whether the guard is a construct in somebody else's app. Such an app does not take our
        flags: people change the properties in its code, and restore by `loopbreaker restore`.
    response
        What is done with a suspected function.
    patience
        How long a function on a certain loop that cannot be held goes on before it is stopped;
        ``None`` leaves out what needs it.
    cooling_off
        How long a function that others released is left alone.
    """

    region: str | None = None
    account: str | None = None
    account_alias: str = ""
    stack_name: str | None = None
    deploy_flags: str | None = None
    is_embedded: bool = False
    response: Response | None = None
    patience: timedelta | None = None
    cooling_off: timedelta = timedelta(hours=1)
    blast_radius: int | None = None
    blast_radius_window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeContext:
    """What a mail about an incident says beside it. Everything may be left out.

    Attributes
    ----------
    triggers
        How events reach the function; ``None`` where that could not be read.
    is_async_target_known
        Whether an empty `Incident.async_target_arn` means that there is none.
    loop
        What the event graph knows.
    found
        What is reserved now, in a `RELEASED` notice.
    detail
        AWS's words, where no step of the incident has them.
    contained_already
        The functions that used up the blast radius.
    """

    deployment: Deployment = Deployment()
    triggers: tuple[Trigger, ...] | None = None
    is_async_target_known: bool = False
    loop: LoopStatus = NOTHING_KNOWN
    found: FoundReservation | None = None
    detail: str = ""
    contained_already: tuple[str, ...] = ()
