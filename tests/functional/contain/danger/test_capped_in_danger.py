"""Callers that wait are refused in danger only, beyond the normal peak, and not for long."""

from datetime import timedelta

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import MetricsUnavailableError, RefusedError
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.policy import Mode, Policy
from functions.domain.incidents.states import IncidentState
from functions.workflows.holding.end_hold import HoldEnder
from tests.functional.contain.danger.callers import MANY, SECONDS, USUAL, callers, capped
from tests.functional.scene import TABLE_STREAM


def test_in_danger_it_is_capped_at_its_normal_peak() -> None:
    """With a record and a way back before anything is changed, and a mail after it."""
    story = callers()

    story.scene.contributor()

    assert (story.state, story.function.reserved) == (IncidentState.CAPPED, 12)
    account = story.scene.account
    changes = [
        one.method for one in account.journal if one.method in ("open", "schedule", "reserve")
    ]
    assert changes == ["open", "schedule", "reserve"]
    ((function, ends),) = account.way_back.due.values()
    assert function == "orders"
    assert ends - story.scene.now <= timedelta(minutes=17)
    (mail,) = account.publisher.sent
    assert "CAPPED AT 12 orders" in mail.subject
    assert "refused (status 429)" in mail.body
    assert "An hour: " in mail.body
    assert "rollback=orders" in mail.body


@pytest.mark.parametrize("minutes", [1, 10])
def test_outside_danger_nobody_is_refused(minutes: int) -> None:
    """Half of the account is free: it is told of as before."""
    story = callers(asked=MANY / 2)
    story.record(minutes)

    story.scene.contributor()

    assert story.function.reserved is None
    assert story.state is (None if minutes == 1 else IncidentState.NOTIFIED)


def test_a_price_beyond_the_flag_caps_it_as_well() -> None:
    """Without a throttle anywhere."""
    story = callers(asked=MANY / 2, policy=Policy(danger_usd_per_minute=0.01))

    story.scene.contributor()

    assert story.function.reserved == 12


def test_at_its_own_reservation_it_is_left_alone() -> None:
    """Nobody else is refused for it."""
    story = callers()
    story.scene.account.reserves("orders", 900)

    story.scene.contributor()

    assert story.function.reserved == 900


def test_a_function_without_a_history_is_told_of_only() -> None:
    """Nobody knows what it usually serves: its first busy day looks like a loop."""
    story = callers(peak=None)

    story.scene.contributor()

    assert (story.state, story.function.reserved) == (IncidentState.NOTIFIED, None)
    body = " ".join(story.scene.account.publisher.sent[0].body.split())
    assert "0.1 days of its history are known, and 3 days are needed" in body


@pytest.mark.parametrize(
    "policy", [Policy(mode=Mode.OBSERVE), Policy(exempt=frozenset({"orders"}))]
)
def test_who_must_not_be_touched_is_not_capped(policy: Policy) -> None:
    """People are told."""
    story = callers(policy=policy)

    story.scene.contributor()

    assert (story.state, story.function.reserved) == (IncidentState.NOTIFIED, None)


def test_in_observe_mode_people_are_told_what_would_be_done_to_the_callers() -> None:
    """At which peak it would be capped, and for how long; once, however long that goes on."""
    story = callers(policy=Policy(mode=Mode.OBSERVE))

    story.scene.contributor()
    story.pass_minutes(5)

    (mail,) = story.scene.account.publisher.sent
    body = " ".join(mail.body.split())
    assert "WOULD CAP AT 12 orders" in mail.subject
    assert "CAPPED orders at 12, its normal peak" in body
    assert "capped it for 15 min at most" in body
    assert "have held orders" not in body
    assert story.scene.account.way_back.due == {}
    assert story.function.reserved is None


def test_in_observe_mode_people_are_told_of_callers_once_it_comes_into_danger() -> None:
    """They knew of the function before."""
    story = callers(asked=MANY / 2, policy=Policy(mode=Mode.OBSERVE))
    story.record(10)
    story.scene.contributor()
    assert len(story.scene.subjects) == 1
    story.asked = MANY

    story.pass_minutes(5)

    assert ["WOULD CAP AT 12" in one for one in story.scene.subjects] == [False, True]


def test_without_a_known_peak_nobody_is_told_of_a_cap() -> None:
    """Nor would there be one."""
    story = callers(peak=None, policy=Policy(mode=Mode.OBSERVE))

    story.scene.contributor()
    story.pass_minutes(3)

    assert ["WOULD CAP" in one for one in story.scene.subjects] == [False]


def test_what_aws_does_not_schedule_is_not_capped() -> None:
    """Without a way back nobody is refused."""
    story = callers()
    story.scene.account.faults.fail("schedule", RefusedError("no"), times=-1)

    story.scene.contributor()

    assert story.function.reserved is None


def test_who_comes_into_danger_later_is_capped_for_as_long() -> None:
    """People knew of the function before; its time begins with the cap."""
    story = callers(asked=MANY / 2)
    story.pass_minutes(40)
    assert (story.state, story.function.reserved) == (IncidentState.NOTIFIED, None)
    story.asked = MANY

    story.pass_minutes(1)

    assert story.function.reserved == 12
    ((_, ends),) = story.scene.account.way_back.due.values()
    assert ends - story.scene.now == timedelta(minutes=17)
    story.pass_minutes(14)
    assert story.function.reserved == 12


def test_it_ends_when_the_danger_is_over() -> None:
    """Once settled minutes show that; what was refused is reported, and what it cost."""
    story = capped()
    story.asked = 2_000.0
    story.pass_minutes(4)
    assert story.function.reserved == 12

    story.pass_minutes(4)

    assert story.is_free
    (closed,) = story.scene.account.ledger.filed("orders")
    assert closed.decided == DecisionReason.DANGER_OVER
    mail = story.scene.account.publisher.sent[-1]
    assert "CAP REMOVED: orders does no harm any more" in mail.subject
    assert "were refused at least" in mail.body.replace("\n", " ")
    assert "An hour: " in mail.body
    assert story.scene.account.way_back.due == {}


def test_it_ends_after_a_quarter_of_an_hour_in_any_case() -> None:
    """Then a notice says that it goes on, with its cost; it is not capped again at once."""
    story = capped()

    story.pass_minutes(14)
    assert story.function.reserved == 12
    story.pass_minutes(1)
    assert story.is_free
    story.pass_minutes(10)

    assert story.function.reserved is None
    assert story.state is IncidentState.NOTIFIED
    subjects = story.scene.subjects
    assert [one.split(":")[0].split("] ")[-1] for one in subjects] == [
        "CAPPED AT 12 orders",
        "CAP REMOVED",
        "SUSPECTED, NOT HELD",
    ], subjects
    last = story.scene.account.publisher.sent[-1].body
    assert "capped lately" in last
    assert "an hour" in last


def test_cloudwatch_keeps_nobody_refused() -> None:
    """When it answers nothing, the cap ends with its time."""
    story = capped()
    story.scene.account.faults.fail("recent", MetricsUnavailableError("gone"), times=-1)

    story.pass_minutes(16)

    assert story.function.reserved is None


def test_a_loop_that_the_configuration_closes_is_stopped_after_that_time() -> None:
    """It was announced in the mail about the cap, and it goes on."""
    story = capped(is_certain=True)
    first = story.scene.account.publisher.sent[0].body.replace("\n", " ")
    assert "If it still does harm then, Loopbreaker stops it" in first

    story.pass_minutes(14)
    assert story.function.reserved == 12
    story.pass_minutes(2)

    assert (story.state, story.function.reserved) == (IncidentState.CONTAINED, 0)
    assert "STOPPED" in story.scene.subjects[-1]
    assert story.scene.incident().prior is None


def test_a_certain_loop_whose_danger_is_over_is_not_stopped_for_it() -> None:
    """The cap is taken back, and it is judged afresh."""
    story = capped(is_certain=True)
    story.asked = 100.0

    story.pass_minutes(20)

    assert story.is_free


def test_a_person_may_put_it_back_at_once() -> None:
    """By the rollback, or by the tag."""
    story = capped()
    story.scene.rollback("orders")
    assert story.is_free

    tagged = capped()
    tagged.function.tags["loopbreaker:exempt"] = "true"
    tagged.pass_minutes(1)
    assert tagged.is_free


def test_its_way_back_ends_it_without_contain() -> None:
    """The schedule finds a cap that is to end."""
    story = capped()
    ((_, ends),) = story.scene.account.way_back.due.values()
    story.scene.now = ends

    scene = story.scene
    HoldEnder(world=scene.world, sleep=scene.sleep).end(scene.incident().id, "orders")

    assert story.function.reserved is None
    assert "CAP REMOVED: orders, its time is over" in scene.subjects[-1]


def test_what_was_reserved_before_comes_back() -> None:
    """A reservation that costs too much is lowered, and put back."""
    story = callers(asked=MANY / 2, policy=Policy(danger_usd_per_minute=0.01))
    story.scene.account.reserves("orders", 700)
    story.scene.contributor()
    assert story.function.reserved == 12

    story.pass_minutes(16)

    assert story.function.reserved == 700


def test_who_can_be_held_elsewhere_refuses_nobody() -> None:
    """Another function of its loop polls a table: holding that one only delays."""
    story = callers()
    scene = story.scene
    scene.account.add("mails")
    scene.account.add_mapping("mails", TABLE_STREAM)
    scene.account.metrics.habit("mails", 150.0)
    scene.account.metrics.lags["mails"] = 600.0
    scene.account.metrics.record(
        "mails",
        until=scene.now,
        invocations=[*[USUAL] * 179, 20_000.0],
        concurrency=[*[1.0] * 179, 200.0],
        throttles=[0.0] * 180,
        errors=[0.0] * 180,
        duration_ms=[SECONDS * 1000] * 180,
    )
    table = Source(kind=SourceKind.TABLE, name="orders")
    scene.account.metrics.record_arrivals(table, until=scene.now, counts=[*[USUAL] * 179, 20_000.0])
    for name in ("orders", "mails"):
        known = LoopStatus(proof=LoopProof.CERTAIN, at=scene.now - timedelta(hours=1))
        scene.loops.stored[name] = known
    scene.loops.together = frozenset({"orders", "mails"})

    scene.contributor()

    assert story.function.reserved is None
    assert scene.account.by_name["mails"].reserved == 0
    assert scene.incident("mails").state is IncidentState.CAPPED
