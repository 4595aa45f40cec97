"""What is in danger is held after one minute, and never sooner."""

from datetime import timedelta
from typing import Any

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.contain.hold.held import SECONDS, USUAL, Held, suspected

MANY = 60_000.0


def _outbreak(
    kind: SourceKind, *, throttles: float = 500.0, policy: Policy | None = None, **given: Any
) -> Held:
    """A function that took nearly all of the account's concurrency a minute ago."""
    story = suspected(kind, policy=policy, **given)
    record(story, 1, throttles=throttles)
    return story


def record(story: Held, minutes: int, *, throttles: float = 500.0) -> None:
    """The last minutes were those of the outbreak, all before were usual."""
    before = 180 - minutes
    story.scene.account.metrics.record(
        "orders",
        until=story.scene.now,
        invocations=[*[USUAL] * before, *[MANY] * minutes],
        concurrency=[*[1.0] * before, *[900.0] * minutes],
        throttles=[*[0.0] * before, *[throttles] * minutes],
        errors=[0.0] * 180,
        duration_ms=[SECONDS * 1000] * 180,
    )
    story.record_arrivals([*[USUAL] * before, *[MANY] * minutes])


def _state(story: Held) -> IncidentState | None:
    stored = story.scene.account.ledger.stored("orders")
    return None if stored is None else stored.state


@pytest.mark.parametrize("kind", [SourceKind.QUEUE, SourceKind.TABLE, SourceKind.ASYNCHRONOUS])
def test_in_danger_one_minute_is_enough_to_be_held(kind: SourceKind) -> None:
    """The lever is the one that only delays, as ever."""
    story = _outbreak(kind)

    story.scene.contributor()

    assert _state(story) is IncidentState.CAPPED
    mapping = next(iter(story.scene.account.by_uuid.values()), None)
    match kind:
        case SourceKind.QUEUE:
            assert mapping is not None
            assert (mapping.enabled, story.function.reserved) == (False, None)
        case SourceKind.TABLE:
            assert mapping is not None
            assert (mapping.enabled, story.function.reserved) == (True, 0)
        case _:
            assert story.function.reserved == 1
    assert "takes the account's concurrency" in story.scene.account.publisher.sent[0].body


def test_without_danger_one_minute_is_too_early() -> None:
    """Nothing is refused to others, so a second minute is waited for."""
    story = _outbreak(SourceKind.TABLE, throttles=0.0)

    story.scene.contributor()

    assert _state(story) is None


def test_a_minute_that_is_not_over_is_no_danger() -> None:
    """CloudWatch may show a part of it: that is not looked at."""
    story = _outbreak(SourceKind.TABLE)
    story.scene.now -= timedelta(seconds=45)

    story.scene.contributor()

    assert _state(story) is None


def test_at_its_own_reservation_it_is_in_no_danger() -> None:
    """However much it is throttled there, others have what is theirs."""
    story = _outbreak(SourceKind.TABLE, reserved=900)

    story.scene.contributor()

    assert _state(story) is None


def test_a_price_beyond_the_flag_is_a_danger() -> None:
    """The same minute is none with a higher flag; the mail names the flag."""
    dear = _outbreak(
        SourceKind.TABLE, throttles=0.0, policy=Policy(danger_usd_per_minute=0.2), memory_mb=512
    )
    cheap = _outbreak(
        SourceKind.TABLE, throttles=0.0, policy=Policy(danger_usd_per_minute=2.0), memory_mb=512
    )

    dear.scene.contributor()
    cheap.scene.contributor()

    assert (_state(dear), _state(cheap)) == (IncidentState.CAPPED, None)
    assert "danger_usd_per_minute" in dear.scene.account.publisher.sent[0].body


def test_among_many_functions_the_one_in_danger_is_found() -> None:
    """Its configuration is read for that, although nothing else is unusual yet."""
    story = _outbreak(SourceKind.TABLE)
    for name in ("audit", "billing"):
        story.scene.account.add(name)
        story.scene.account.metrics.habit(name, 5 * 900.0)
        story.scene.account.metrics.record(
            name, until=story.scene.now, invocations=[900.0] * 180, concurrency=[5.0] * 180
        )

    story.scene.signal(SignalKind.ALARM)

    assert _state(story) is IncidentState.CAPPED


def test_danger_stops_nothing() -> None:
    """With the response `throttle` a shape is asked for; what has none is held."""
    story = _outbreak(SourceKind.TABLE, policy=Policy(response=Response.THROTTLE))

    story.scene.contributor()

    assert _state(story) is IncidentState.CAPPED


def test_a_spike_of_a_minute_is_not_over_at_once() -> None:
    """People are told once; the minutes from before it began say nothing of its end."""
    story = _outbreak(SourceKind.TABLE, policy=Policy(response=Response.NOTIFY))
    story.scene.contributor()
    assert _state(story) is IncidentState.NOTIFIED

    for minutes in range(2, 8):
        story.scene.now += timedelta(minutes=1)
        record(story, minutes)
        story.scene.signal(SignalKind.PULSE)

    assert _state(story) is IncidentState.NOTIFIED
    assert len(story.scene.subjects) == 1
