"""What a dashboard asks of the function behind its widgets.

The event holds the parameters of the widget, and ``widgetContext`` (CloudWatch user guide, *Details
about custom widgets*). Who edits a widget asks for its documentation with ``{"describe": true}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.domain.errors import LoopbreakerError
from functions.domain.page.overview import View
from functions.domain.page.style import Theme
from functions.domain.requests.request import CONTEXT

VIEW: Final = "view"
_LONGEST_SHOWN: Final = 80

DESCRIPTION: Final = """## Loopbreaker

A widget of Loopbreaker's page, which only reads.

Parameter | Value
---|---
**view** | *incidents*: what is open and held, with buttons; *history*: what ended within 90 days; \
*health*: the guard itself

A button calls `Loopbreaker-restore` or `Loopbreaker-contain` with the rights of whoever presses it.

```yaml
view: incidents
```
"""


class WidgetError(LoopbreakerError):
    """When a widget asks for something that there is not; the text says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetRequest:
    """What a widget shows, and in which theme."""

    view: View
    theme: Theme


def is_description(event: Mapping[str, Any]) -> bool:
    """Whether the documentation of the widget is asked for."""
    return event.get("describe") is True


def parse_widget_request(event: Mapping[str, Any]) -> WidgetRequest:
    """Read the call of a widget. Without a view, what is open is shown.

    Raises
    ------
    WidgetError
        When there is no such view.
    """
    found = event.get(VIEW, View.INCIDENTS.value)
    if found not in list(View):
        allowed = ", ".join(View)
        raise WidgetError(f"view is {str(found)[:_LONGEST_SHOWN]!r}; allowed are {allowed}")
    return WidgetRequest(view=View(found), theme=read_theme(event))


def read_theme(event: Mapping[str, Any]) -> Theme:
    """The theme of the dashboard; light where it does not tell."""
    context = event.get(CONTEXT)
    theme = context.get("theme") if isinstance(context, Mapping) else None
    return Theme.DARK if theme == Theme.DARK.value else Theme.LIGHT
