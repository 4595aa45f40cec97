"""The healthy function of a drill: busy for as long as a loop runs beside it, and no loop."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.errors import explain, get_words
from cdk_loopbreaker.drill.model import Check, Helper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.drill.aws.functions import DrillFunctions
    from cdk_loopbreaker.drill.plan import DrillPlan
    from cdk_loopbreaker.drill.stage import Stage

_PERIOD_SECONDS: Final = 0.1
_SEND_EVERY_SECONDS: Final = 6.0


@contextmanager
def keep_busy(stage: Stage, functions: DrillFunctions, plan: DrillPlan) -> Iterator[None]:
    """Send work to the healthy function while the block runs, as much as is planned at most."""
    is_over = threading.Event()
    each = max(1, round(plan.healthy_per_minute * _SEND_EVERY_SECONDS / 60))

    def send() -> None:
        left = plan.healthy_messages
        while left > 0 and not is_over.is_set():
            try:
                functions.send_healthy(min(each, left), _PERIOD_SECONDS)
            except Exception as error:  # noqa: BLE001 - the loop beside it is what counts
                stage.say(f"  healthy: work could not be sent ({get_words(error)})")
            left -= each
            stage.clock.sleep(_SEND_EVERY_SECONDS)

    functions.find_queue(Helper.HEALTHY.value)  # makes the client, which threads must not
    sender = threading.Thread(target=send, name="healthy", daemon=True)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()


def check_healthy(stage: Stage, functions: DrillFunctions, before: str) -> Check:
    """Whether the healthy function was left alone, or put back by itself."""
    title = "The busy healthy function is not stopped"
    name = stage.names.function(Helper.HEALTHY)
    with explain("Reading the healthy function", stage.clients.region):
        after = functions.describe_settings(Helper.HEALTHY)
    open_ = [one for one in stage.client.read_status().open if one.function == name]
    ended = stage.client.read_history((name,), since=None, limit=10).ended
    if any(one.is_held and one.ends_by is None for one in open_):
        return Check(title=title, is_passed=False, text="it is stopped, or held for a person")
    if any(one.was_held for one in ended) or any(one.is_held for one in open_):
        text = "it was held for some minutes, because it is new, and is released by itself"
        return Check(title=title, is_passed=True, text=text)
    return Check(
        title=title,
        is_passed=before == after,
        text="it was left alone" if before == after else f"before {before}, after {after}",
    )
