"""The buttons of the page, and the commands that do the same.

A button of a dashboard calls a guard function with the rights of the person who presses it
(CloudWatch user guide, *Interactivity in the custom widget*): whoever may not invoke it is refused.
Its payload is a direct request. The id of a request is made of the rendering, the action and the
incident: pressing twice sends the same request twice, and the guard carries it out once.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.notices.commands import build_own_restore_command
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean
from functions.domain.requests.request import (
    DirectRequest,
    RestoreRequest,
    StopRequest,
    build_event,
)
from functions.domain.requests.summary import OpenIncident

VALID_FOR: Final = timedelta(minutes=15)
"""How long a button of a page works that nobody refreshes."""

# UNCONFIRMED A-065: whether the dashboard reads a payload as text or as markup. A name of these
# characters needs no escaping in either, and a function of any other name cannot be.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """What the buttons of one rendering call.

    Attributes
    ----------
    restore_arn, contain_arn
        The guard functions that are called.
    rendering
        A text that no other rendering has.
    at
        When the page was made.
    """

    restore_arn: str
    contain_arn: str
    rendering: str
    at: datetime


def write_restore(incident: OpenIncident, region: str, buttons: Buttons | None) -> Markup:
    """What puts a function back: a button, and the command."""
    return _write(
        _offer_restore(incident, buttons) if buttons is not None else (),
        build_own_restore_command(clean(incident.function, 160), region),
    )


def write_restore_of_tagged(function: str, region: str, buttons: Buttons | None) -> Markup:
    """The same for a function that is known by its tag alone."""
    offered: tuple[Markup, ...] = ()
    if buttons is not None and _PLAIN_NAME.fullmatch(function):
        request = RestoreRequest(
            id=make_request_id(buttons.rendering, "restore", function),
            functions=(function,),
            not_after=buttons.at + VALID_FOR,
        )
        offered = _press(
            f"Restore {function}",
            request,
            buttons.restore_arn,
            f"Restore {function} to what it was before Loopbreaker changed it?",
            kind="press",
        )
    return _write(offered, build_own_restore_command(clean(function, 160), region))


def write_stop(incident: OpenIncident, region: str, buttons: Buttons | None) -> Markup:
    """What stops a function that is reported only: a button, and the command."""
    name = incident.function
    offered: tuple[Markup, ...] = ()
    if buttons is not None and _PLAIN_NAME.fullmatch(name):
        request = StopRequest(
            id=make_request_id(buttons.rendering, "stop", incident.id),
            function=name,
            not_after=buttons.at + VALID_FOR,
        )
        offered = _press(
            f"Stop {name}",
            request,
            buttons.contain_arn,
            f"Stop {name} now? Its reserved concurrency becomes 0 and its event source mappings are"
            " disabled, until somebody restores it.",
            kind="press stop",
        )
    words = build_own_restore_command(clean(name, 160), region)
    return _write(offered, words.replace("loopbreaker restore", "loopbreaker stop", 1))


def make_request_id(rendering: str, action: str, about: str) -> str:
    """The id of a request: one for each rendering, action and incident."""
    text = f"{rendering}\n{action}\n{about}"
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:_ID_LENGTH]


def _offer_restore(incident: OpenIncident, buttons: Buttons) -> tuple[Markup, ...]:
    name = incident.function
    if not _PLAIN_NAME.fullmatch(name):
        return ()
    request = RestoreRequest(
        id=make_request_id(buttons.rendering, "restore", incident.id),
        functions=(name,),
        not_after=buttons.at + VALID_FOR,
    )
    back = "; ".join(clean(one, 120) for one in incident.puts_back[:4])
    return _press(
        f"Restore {name}",
        request,
        buttons.restore_arn,
        f"Restore {name}? It can run again at once. What comes back: {back or 'nothing'}.",
        kind="press",
    )


def _press(
    label: str, request: DirectRequest, endpoint: str, question: str, *, kind: str
) -> tuple[Markup, ...]:
    """A button, and behind it what the dashboard does when it is pressed."""
    payload = json.dumps(build_event(request), separators=(",", ":"))
    return (
        element("a", label, class_=kind, tabindex="0", role="button"),
        element(
            "cwdb-action",
            payload,
            action="call",
            display="popup",
            confirmation=question,
            endpoint=endpoint,
        ),
    )


def _write(offered: tuple[Markup, ...], command: str) -> Markup:
    return element("div", *offered, element("code", command, class_="command"), class_="do")
