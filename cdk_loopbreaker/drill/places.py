"""The blast radius: a drill leaves a place for a real runaway."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.errors import DrillError

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.stage import Stage

_POLL_SECONDS: Final = 60.0
_PATIENCE: Final = timedelta(minutes=15)
_MOST_ENDED: Final = 100


def wait_for_place(stage: Stage, *, leaves_one: bool) -> None:
    """Wait until the guard may hold one more function, and one beside that.

    A function that was held keeps its place for the whole window, also when it is restored.

    Parameters
    ----------
    leaves_one
        Whether a place stays free beside that of the loop, if there is more than one.

    Raises
    ------
    DrillError
        When no place gets free.
    """
    settings = stage.guard.settings
    window = timedelta(minutes=settings.blast_radius_window_minutes)
    most = settings.blast_radius - (1 if leaves_one and settings.blast_radius > 1 else 0)
    if count_places(stage, window) < most:
        return
    stage.say(
        f"Waiting, up to {window.total_seconds() / 60:.0f} min: the guard holds at most"
        f" {settings.blast_radius} functions within that time"
        + (", and one place stays free for a real runaway" if leaves_one else "")
    )
    minutes = (window + _PATIENCE).total_seconds() / 60
    if not stage.wait_for(
        lambda: count_places(stage, window) < most, minutes, poll_seconds=_POLL_SECONDS
    ):
        raise DrillError(
            "the guard's blast radius is used up by other functions: loopbreaker status and"
            " loopbreaker history list them"
        )


def count_places(stage: Stage, window: timedelta) -> int:
    """How many functions were held within the window, or are held now."""
    since = stage.clock.now() - window
    held = {one.function for one in stage.client.read_status().open if one.is_held}
    ended = stage.client.read_history((), since=since, limit=_MOST_ENDED).ended
    return len(held) + sum(one.was_held and one.function not in held for one in ended)
