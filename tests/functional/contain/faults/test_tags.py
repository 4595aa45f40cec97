"""Tags that look like the guard's: which are believed, what is told, and what is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import BusyError, LedgerUnavailableError, RefusedError
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.incidents.tagged_stops import MOST_TAGS
from functions.workflows.rollback.results import (
    IN_DOUBT,
    LeftUnchanged,
    Refused,
    Restored,
)
from tests.fakes.ledger import TAG_KEY
from tests.fakes.resources import FakeFunction
from tests.functional.contain.hold.held import held
from tests.functional.scene import QUEUE, Scene

TAGGED_BY_SOMEBODY = "v1 reserved=900 at=20260310T115500Z"


@pytest.fixture
def scene() -> Scene:
    """An account whose guard is at peace."""
    return Scene()


def stopped_by_its_owner(scene: Scene, tag: str = TAGGED_BY_SOMEBODY) -> FakeFunction:
    """A function that its owner set to 0, and that somebody has tagged."""
    scene.account.add_mapping("orders", QUEUE)
    return scene.account.add("orders", reserved=0, tags={SNAPSHOT_TAG: tag})


def stopped_without_ledger(scene: Scene, reserved: int | None = 5) -> FakeFunction:
    """A function that the guard stopped while its ledger was away; it answers again."""
    function = scene.add_runaway(reserved=reserved)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False
    return function


@pytest.mark.parametrize("mode", Mode)
def test_what_somebody_wrote_into_a_tag_changes_nothing(mode: Mode) -> None:
    """The right to tag is not the right to stop and release functions by the guard's hand."""
    scene = Scene(Policy(mode=mode))
    orders = stopped_by_its_owner(scene)

    scene.pulse(60)

    assert scene.account.calls("reserve", "unreserve", "switch_mapping", "tag", "untag") == []
    assert scene.account.ledger.read_live().incidents == ()
    assert scene.subjects == ["[Loopbreaker] TAG IN DOUBT: orders may have been stopped"]
    body = scene.account.publisher.sent[0].body
    assert "before, 900 were reserved" in body
    assert f"  aws lambda untag-resource --resource {orders.arn} --tag-keys {SNAPSHOT_TAG}" in body


def test_all_leaves_a_tag_in_doubt_alone_and_who_names_the_function_is_believed(
    scene: Scene,
) -> None:
    """A person has the mail of the stop to compare it with."""
    orders = stopped_by_its_owner(scene, "v1 reserved=7 at=20260310T115500Z")

    assert scene.rollback("all") == (LeftUnchanged(function="orders", text=IN_DOUBT),)
    assert orders.reserved == 0
    (named,) = scene.rollback("orders")

    assert isinstance(named, Restored)
    assert "no seal of Loopbreaker's" in named.text
    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (7, False)


def test_a_tag_that_wants_more_than_the_account_has_gets_nothing(scene: Scene) -> None:
    """The unreserved minimum is kept for all other functions, whoever asks."""
    orders = stopped_by_its_owner(scene, "v1 reserved=950 at=20260310T115500Z")

    (result,) = scene.rollback("orders")

    assert isinstance(result, Refused)
    assert "below its minimum value of [100]" in result.text
    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (0, True)


@pytest.mark.parametrize("value", ["whatever", "v1 reserved=5 at=99999999T999999Z", ""])
def test_an_unreadable_tag_is_told_once_and_keeps_no_other_from_being_restored(
    scene: Scene, value: str
) -> None:
    """Nothing that stands in a tag fails a pulse, or a restore of everything."""
    stopped_by_its_owner(scene, value)
    scene.pulse(30)
    scene.add_runaway("other", reserved=5)
    scene.contributor("other")

    results = {one.function: one for one in scene.rollback("all")}

    assert scene.subjects[0] == "[Loopbreaker] TAG UNREADABLE: orders"
    assert sum("TAG UNREADABLE" in one for one in scene.subjects) == 1
    assert results["other"] == Restored(function="other", text="restored")
    assert isinstance(results["orders"], LeftUnchanged)
    assert isinstance(scene.rollback("orders")[0], Refused)


def test_the_guards_own_tag_is_a_record(scene: Scene) -> None:
    """Its seal tells it from any other: it is taken over, and `all` restores it."""
    orders = stopped_without_ledger(scene)
    mapping = scene.account.add_mapping("orders", QUEUE)
    assert " seal=" in orders.tags[SNAPSHOT_TAG]
    scene.calm("orders")

    scene.pulse()

    assert scene.incident().state is IncidentState.CONTAINED
    assert (mapping.enabled, SNAPSHOT_TAG in orders.tags) == (False, False)
    scene.rollback("all")
    assert (orders.reserved, mapping.enabled) == (5, True)


def test_a_stop_that_stalls_has_its_tag_though_a_restore_removed_it_meanwhile(scene: Scene) -> None:
    """Two runs have stopped the function without the ledger: the restore was of the other's."""

    def restore() -> None:
        scene.now += timedelta(seconds=40)
        scene.account.by_name["orders"].tags.clear()

    scene.account.faults.before("reserve", restore)
    orders = stopped_without_ledger(scene)

    assert " seal=" in orders.tags[SNAPSHOT_TAG]
    scene.rollback("all")
    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (5, False)


def test_all_restores_what_is_not_taken_over_yet(scene: Scene) -> None:
    """A sealed tag is enough, also between the outage and the next pulse."""
    orders = stopped_without_ledger(scene)

    scene.rollback("all")

    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (5, False)


def test_a_process_that_never_saw_the_ledger_writes_a_tag_without_a_seal(scene: Scene) -> None:
    """It stops the loop all the same; a person who has its mail restores it by name."""
    scene.account.ledger.is_key_known = False
    orders = stopped_without_ledger(scene)
    assert (orders.reserved, " seal=" in orders.tags[SNAPSHOT_TAG]) == (0, False)
    scene.calm("orders")

    scene.pulse(5)

    assert [one.split(":")[0] for one in scene.subjects] == [
        "[Loopbreaker] STOPPED, ledger down",
        "[Loopbreaker] TAG IN DOUBT",
    ]
    scene.rollback("orders")
    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (5, False)


@pytest.mark.parametrize("minutes", [0, 1, 30])
def test_a_tag_without_a_seal_is_believed_for_the_time_of_an_outage(
    scene: Scene, minutes: int
) -> None:
    """The process that has seen the outage writes it down, the one that stopped has no key."""
    scene.account.ledger.is_key_known = False
    orders = stopped_without_ledger(scene)
    noticed = scene.now + timedelta(minutes=1)
    scene.now += timedelta(minutes=minutes)
    scene.calm("orders")
    scene.pulse()
    scene.account.ledger.outages.append((noticed, scene.now))

    scene.pulse(3)

    assert scene.incident().state is IncidentState.CONTAINED
    assert SNAPSHOT_TAG not in orders.tags
    assert not any("TAG IN DOUBT" in one for one in scene.subjects)


def test_a_tag_of_another_time_is_not_believed_for_an_outage(scene: Scene) -> None:
    """Only who tags during an outage could pass for the guard."""
    stopped_by_its_owner(scene, "v1 reserved=7 at=20260310T105500Z")
    scene.account.ledger.outages.append((scene.now - timedelta(minutes=30), scene.now))

    scene.pulse(5)

    assert scene.account.ledger.read_live().incidents == ()
    assert any("TAG IN DOUBT" in one for one in scene.subjects)


def test_a_process_that_has_just_started_seals_after_the_stop(scene: Scene) -> None:
    """Where the ledger failed for a moment only, the key can be read once nothing burns."""
    scene.account.ledger.is_key_known = False
    orders = scene.add_runaway(reserved=5)
    scene.account.faults.fail("open", LedgerUnavailableError("for a moment"))
    with pytest.raises(PartlyFailedError):
        scene.contributor()

    stops, keys = scene.account.calls("reserve"), scene.account.calls("read_tag_key")

    assert " seal=" in orders.tags[SNAPSHOT_TAG]
    assert stops[0].number < keys[0].number


def test_every_run_learns_the_key_while_it_can(scene: Scene) -> None:
    """After its work, and a ledger that does not answer fails no run on that account."""
    scene.account.ledger.is_key_known = False
    scene.account.faults.fail("read_tag_key", LedgerUnavailableError("for a moment"))

    scene.signal(SignalKind.CLEARED)
    assert not scene.account.ledger.is_key_known
    scene.signal(SignalKind.CLEARED)

    assert scene.account.ledger.is_key_known


def test_a_tag_that_was_put_back_begins_nothing_anew(scene: Scene) -> None:
    """The stop that it tells of was restored: the owner's 0 of today is the owner's."""
    orders = stopped_without_ledger(scene)
    old = orders.tags[SNAPSHOT_TAG]
    scene.calm("orders")
    scene.pulse()
    scene.rollback("orders")
    scene.pulse()
    orders.reserved, orders.tags[SNAPSHOT_TAG] = 0, old
    mails = len(scene.subjects)

    scene.pulse(3)

    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (0, False)
    assert (scene.account.ledger.read_live().incidents, len(scene.subjects)) == ((), mails)


def test_a_seal_is_of_one_function_only(scene: Scene) -> None:
    """Copied to another one, it says nothing."""
    orders = stopped_without_ledger(scene)
    scene.account.add("copy", reserved=0, tags=dict(orders.tags))
    scene.calm("orders")

    scene.pulse(5)

    assert scene.account.ledger.stored("copy") is None
    assert any("TAG IN DOUBT: copy" in one for one in scene.subjects)


@pytest.mark.parametrize(
    "planted",
    [
        {SNAPSHOT_TAG: "v1 reserved=none at=20260310T115500Z provisioned=live:500"},
        {f"{SNAPSHOT_TAG}:live": "v1 provisioned=live:500"},
    ],
)
def test_what_an_attacker_planted_is_not_sealed_by_the_next_stop(
    scene: Scene, planted: dict[str, str]
) -> None:
    """Provisioned concurrency that a tag claims was removed costs money when it is put back."""
    orders = scene.add_runaway(tags=planted)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert orders.reserved == 0
    assert not any("500" in one and " seal=" in one for one in orders.tags.values())
    assert "500" not in scene.account.publisher.sent[-1].body.replace("12:55:00", "")
    scene.account.ledger.is_down = False
    scene.calm("orders", 180)
    scene.pulse(5)
    scene.rollback("all")
    assert orders.provisioned == {}


@pytest.mark.parametrize("refusal", [RefusedError("AccessDeniedException"), BusyError("busy")])
def test_a_tag_that_may_not_be_removed_fails_no_pulse(
    scene: Scene, refusal: RefusedError | BusyError
) -> None:
    """It is tried again in growing pauses; the snapshot is in the ledger all the while."""
    stopped_without_ledger(scene)
    scene.calm("orders")
    scene.account.faults.fail("untag", refusal, times=-1)

    for _ in range(180):
        scene.now += timedelta(minutes=1)
        scene.signal(SignalKind.PULSE)  # raises where the run fails

    assert scene.incident().state is IncidentState.CONTAINED
    assert 2 <= len(scene.account.calls("untag")) <= 8
    assert sum("STOPPED" in one for one in scene.subjects) == 2


def test_a_restore_succeeds_although_its_tag_stays(scene: Scene) -> None:
    """What counts is that the function is as it was."""
    orders = stopped_without_ledger(scene)
    scene.account.faults.fail("untag", RefusedError("AccessDeniedException"), times=-1)

    (result,) = scene.rollback("orders")

    assert isinstance(result, Restored)
    assert orders.reserved == 5


def test_an_exempt_function_is_put_back_and_not_held(scene: Scene) -> None:
    """It got the tag after the stop, as the mail suggests."""
    orders = stopped_without_ledger(scene)
    orders.tags[EXEMPT_TAG] = "true"
    scene.calm("orders")

    scene.pulse(2)

    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (5, False)


def test_the_list_of_tagged_functions_may_be_late_and_odd(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function's own tags count, and what is no function ends nothing."""
    orders = scene.account.add("orders", reserved=0)
    gone = orders.arn.replace("orders", "gone")
    late = dict.fromkeys(("arn:aws:odd", gone, orders.arn), TAGGED_BY_SOMEBODY)
    monkeypatch.setattr(scene.account.functions, "tagged", lambda _: late)

    scene.now += timedelta(minutes=1)
    scene.signal(SignalKind.PULSE)
    results = scene.rollback("all")

    assert scene.account.ledger.read_live().incidents == ()
    assert [one.function for one in results] == ["arn:aws:odd"]
    assert scene.subjects == []


@pytest.mark.thorough
def test_any_number_of_tags_takes_a_bounded_time(scene: Scene) -> None:
    """Whoever tags a thousand functions does not keep the guard from its work."""
    tagged = TaggedSnapshot(reserved_concurrency=None, at=scene.now - timedelta(hours=1))
    for number in range(1_000):
        function = scene.account.add(f"function-{number:03d}", reserved=0)
        function.tags[SNAPSHOT_TAG] = "whatever"
    orders = scene.account.add("orders", reserved=0)
    orders.tags |= seal(tagged.to_tags(), orders.arn, TAG_KEY)

    scene.pulse()
    assert len(scene.account.calls("describe")) <= MOST_TAGS
    scene.pulse(60)

    assert scene.incident().state is IncidentState.CONTAINED


def test_all_names_what_the_ledger_holds_and_nobody_can_read(scene: Scene) -> None:
    """A deployment that restores everything else is no success while one may be held."""
    scene.policy = replace(scene.policy, blast_radius=5)
    for name in ("a", "b"):
        scene.add_runaway(name, reserved=5)
        scene.contributor(name)
    scene.account.ledger.unreadable.add("a")

    results = {one.function: one for one in scene.rollback("all")}

    assert results["b"] == Restored(function="b", text="restored")
    assert results["a"] == Refused(function="a", text="the record of a cannot be read")


def test_a_stop_that_a_person_has_put_back_meanwhile_is_not_done_again(scene: Scene) -> None:
    """A pulse has read the function before the rollback, and takes its tag over after it."""
    orders = stopped_without_ledger(scene)
    scene.calm("orders", 180)
    scene.account.faults.before("read_closed", lambda: scene.rollback("orders"))

    scene.pulse()

    assert orders.reserved == 5
    scene.pulse(5)
    assert orders.reserved == 5


def test_what_is_put_back_from_a_tag_is_in_the_ledger(scene: Scene) -> None:
    """A late signal about the minutes before finds that they are over."""
    orders = stopped_without_ledger(scene)
    scene.now += timedelta(seconds=20)

    scene.rollback("orders")

    assert (orders.reserved, orders.tags) == (5, {})
    assert any("RESTORED orders" in one for one in scene.subjects)
    scene.contributor()
    assert orders.reserved == 5


def test_a_function_that_is_gone_when_it_is_tagged_is_not_stopped_under_its_name(
    scene: Scene,
) -> None:
    """One that is created anew meanwhile is another one, and no tag would tell of its stop."""
    scene.add_runaway(reserved=5)
    account = scene.account
    account.ledger.is_down = True
    account.faults.before("tag", lambda: account.delete("orders"))
    scene.survives(scene.contributor)
    again = account.add("orders", reserved=7)
    account.ledger.is_down = False

    assert account.calls("reserve") == []
    assert again.reserved == 7
    assert scene.subjects == []


def test_a_stop_by_tag_of_a_held_function_comes_back_as_its_record_says() -> None:
    """To the tag the hold passes for what people had reserved: the record knows better."""
    story = held()
    scene, ledger = story.scene, story.scene.account.ledger
    scene.pulse()  # this process knows the key of the seal
    ledger.is_down = True
    scene.account.metrics.record("orders", until=scene.now, native_drops=[5.0] * 8)
    scene.survives(scene.contributor)
    assert story.function.reserved == 0
    ledger.is_down = False
    scene.signal(SignalKind.CHANGE, "orders")
    scene.signal(SignalKind.PULSE)

    scene.rollback("orders")

    assert story.function.reserved is None


def test_a_hold_that_was_stopped_by_tag_waits_until_the_tag_is_taken_over() -> None:
    """Only the tag knows what people reserved meanwhile: the hold does not go on over it."""
    story = held(is_loop=False)
    scene, ledger = story.scene, story.scene.account.ledger
    scene.pulse()  # this process knows the key of the seal
    scene.account.reserves("orders", 33)
    ledger.is_down = True
    scene.account.metrics.record("orders", until=scene.now, native_drops=[5.0] * 8)
    scene.survives(scene.contributor)
    assert story.function.reserved == 0
    ledger.is_down = False
    scene.now += timedelta(minutes=10)
    story.end()

    scene.signal(SignalKind.CHANGE, "orders")

    assert story.function.reserved == 0
    scene.signal(SignalKind.PULSE)
    scene.rollback("orders")
    assert story.function.reserved == 33


def test_a_restore_does_not_go_on_while_the_tag_cannot_be_taken_over() -> None:
    """A person released the function and reserved 44, and it was stopped without the ledger."""
    scene = Scene()
    orders, faults = scene.add_runaway(), scene.account.faults
    scene.contributor()
    faults.fail("ledger.save", LedgerUnavailableError("its answer is lost"), lost=True)
    scene.rollback("orders")
    assert scene.incident().state is IncidentState.RESTORING
    scene.account.reserves("orders", 44)
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=2)
    scene.burn()
    scene.survives(scene.contributor)
    assert orders.reserved == 0
    scene.account.ledger.is_down = False
    scene.now += timedelta(minutes=5)
    faults.fail("ledger.open", LedgerUnavailableError("no answer"))

    scene.survives(lambda: scene.signal(SignalKind.PULSE))

    assert orders.reserved == 0
    scene.signal(SignalKind.PULSE)
    scene.rollback("orders")
    assert orders.reserved == 44


def test_a_hold_goes_on_under_a_tag_in_doubt_that_tells_nothing_new() -> None:
    """Nobody can tell who wrote it, and what it says was reserved is the hold's own value."""
    story = held(is_loop=False)
    function = story.function
    tag = TaggedSnapshot(reserved_concurrency=function.reserved, at=story.scene.now)
    function.tags.update(tag.to_tags())
    function.reserved = 0
    story.is_over = True

    story.pass_minutes(60)

    assert function.reserved is None
    assert story.scene.account.ledger.stored("orders") is None
