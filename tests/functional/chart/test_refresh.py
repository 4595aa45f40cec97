"""Stories of the chart: readings, changes, warnings, and runs that die."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bench.worlds.paged_account import ACCOUNT
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.refresh import (
    SCHEMA,
    ChartState,
    Manifest,
    RefreshAction,
)
from functions.workflows.graph.refresh_graph import MOST_RUNS, PassTooLongError
from tests.fake_chart import a_notice
from tests.functional.chart.scene import NOON, Scene

FACTS = Manifest(at=NOON, schema=SCHEMA)
READ = ChartState(facts=FACTS, full_at=NOON, listed_at=NOON)


def loop_changes(scene: Scene, number: int = 3) -> tuple[Change, Change]:
    """A new loop, and the two changes that make it."""
    name = scene.add_loop(number)
    return (
        Change(kind=ChangeKind.ROLE, name=f"{name}-role"),
        Change(kind=ChangeKind.MAPPING, name=f"fresh-{number}"),
    )


def test_the_first_tick_reads_everything_and_tells_of_the_loop_that_is_there() -> None:
    """A loop that was there before the guard is told of, before any event."""
    scene = Scene()
    report = scene.tick()

    assert (report.work, report.functions, report.loops, report.told) == (
        RefreshAction.FULL,
        20,
        1,
        1,
    )
    assert scene.subjects == ["[Loopbreaker] WARNING orders-00000 can invoke itself in a loop"]
    book = scene.memory.book
    assert book is not None
    assert book.proof("orders-00000") is LoopProof.CERTAIN
    assert book.proof("orders-00010") is LoopProof.RULED_OUT


def test_loops_that_were_there_come_in_one_notice() -> None:
    """The first look at an account sends one mail, however many loops it finds."""
    scene = Scene()
    for number in (3, 4):
        scene.add_loop(number)
    scene.tick()

    assert scene.subjects == ["[Loopbreaker] WARNING 3 certain loops that could run"]
    assert all(f"orders-0000{number}" in scene.topic.sent[0].body for number in (0, 3, 4))


def test_an_account_without_loops_is_no_news() -> None:
    """Nothing is told where there is nothing to tell."""
    scene = Scene()
    scene.aws.mappings.clear()
    report = scene.tick()

    assert (report.loops, scene.subjects) == (0, [])


def test_nothing_is_read_between_the_readings() -> None:
    """A tick without anything to do calls nobody."""
    scene = Scene()
    scene.tick()
    scene.aws.calls.clear()
    works = [scene.tick().work for _ in range(5)]

    assert works == [RefreshAction.NOTHING] * 5
    assert scene.aws.calls.total() == 0


def test_a_change_is_told_by_the_next_tick() -> None:
    """Minutes after a deployment makes a loop people know of it, after few calls."""
    scene = Scene()
    scene.tick()
    scene.aws.calls.clear()
    scene.note(*loop_changes(scene))
    report = scene.tick()

    assert (report.work, report.changes, report.told) == (RefreshAction.CHANGES, 2, 1)
    assert scene.subjects[1:] == ["[Loopbreaker] WARNING orders-00003 can invoke itself in a loop"]
    assert f"account read at {scene.now:%Y-%m-%d %H:%M} UTC" in " ".join(
        scene.topic.sent[-1].body.split()
    )
    assert scene.aws.calls.total() < 20
    assert scene.memory.store().read_noted() == ()


def test_what_was_deployed_after_a_reading_counts_as_read_once_it_is_worked_in() -> None:
    """The loop of a new function is proof at once, not from the next reading of the account on."""
    scene = Scene()
    scene.tick()
    function = scene.aws.functions["orders-00003"]
    deployed = scene.now + timedelta(minutes=1)
    function["LastModified"] = deployed.isoformat()
    scene.note(
        *loop_changes(scene),
        Change(kind=ChangeKind.FUNCTION, name="orders-00003"),
    )
    scene.tick()

    book = scene.memory.book
    assert book is not None
    assert book.proof("orders-00003") is LoopProof.CERTAIN
    assert book.read_at("orders-00003") == deployed
    assert book.read_at("orders-00010") < deployed


def test_no_loop_is_told_of_twice() -> None:
    """Not by later readings, not after it was away for a while."""
    scene = Scene()
    scene.tick()
    mapping = next(one for one in scene.aws.mappings.values() if "loop-0" in one["EventSourceArn"])
    uuid = mapping["UUID"]
    for _ in range(3):
        scene.tick(minutes=61)
    scene.aws.mappings.pop(uuid)
    scene.note(Change(kind=ChangeKind.MAPPING, name=uuid))
    scene.tick()
    away = scene.memory.book
    scene.aws.mappings[uuid] = mapping
    scene.note(Change(kind=ChangeKind.MAPPING, name=uuid))
    scene.tick()

    assert away is not None
    assert away.proof("orders-00000") is LoopProof.UNKNOWN  # it is called over HTTP
    assert len(scene.subjects) == 1


def test_many_new_loops_come_in_one_notice() -> None:
    """A deployment that makes many loops sends one mail."""
    scene = Scene()
    scene.tick()
    scene.note(*(change for number in range(1, 8) for change in loop_changes(scene, number)))
    scene.tick()

    assert scene.subjects[1:] == ["[Loopbreaker] WARNING 7 more certain loops that could run"]


def test_accepted_loops_are_not_told_of() -> None:
    """Neither those of the flag nor those of the tag; their functions are accused by nothing."""
    scene = Scene(accepted={"orders-00000": "by flag"})
    name = scene.add_loop(3)
    scene.aws.tags[scene.aws.arn("lambda", f"function:{name}")] = {
        "loopbreaker:accepted-loop": "it ends after ten rounds"
    }
    report = scene.tick()

    assert (report.loops, report.told, scene.subjects) == (2, 0, [])
    book = scene.memory.book
    assert book is not None
    page = book.page(name)
    assert page is not None
    assert page.accepted == "it ends after ten rounds"


def test_an_hour_later_the_lists_are_read() -> None:
    """Without a trail a new loop is found within the hour."""
    scene = Scene()
    scene.tick()
    scene.add_loop()
    report = scene.tick(minutes=61)

    assert (report.work, report.told) == (RefreshAction.LIGHT, 1)


def test_a_change_just_before_the_lists_are_read_is_not_lost() -> None:
    """A bucket begins to notify the function that writes to it: no list shows that."""
    scene, name = Scene(), "orders-00005"
    arn = scene.aws.arn("lambda", f"function:{name}")
    role = scene.aws.roles[f"arn:aws:iam::{ACCOUNT}:role/{name}-role"]
    role["RolePolicyList"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::uploads/*"}
    )
    permission = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
    }
    scene.aws.policies[name] = json.dumps({"Version": "2012-10-17", "Statement": [permission]})
    scene.aws.buckets["uploads"] = {}
    scene.tick()
    events = {"Id": "new", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    scene.aws.buckets["uploads"] = {"LambdaFunctionConfigurations": [events]}
    scene.note(Change(kind=ChangeKind.BUCKET, name="uploads"))
    lists = scene.tick(minutes=61)
    worked_in = scene.tick()

    assert (lists.work, lists.loops) == (RefreshAction.LIGHT, 1)
    assert (worked_in.work, worked_in.loops) == (RefreshAction.CHANGES, 2)
    assert scene.memory.store().read_noted() == ()


def test_a_day_later_everything_is_read() -> None:
    """Whatever nobody told of is found within the day."""
    scene = Scene()
    scene.tick()
    scene.aws.calls.clear()
    report = scene.tick(minutes=24 * 60)

    assert report.work is RefreshAction.FULL
    assert scene.aws.calls["lambda.get_policy"] == 20


def test_a_long_pass_goes_on_tick_by_tick() -> None:
    """A reading that takes several runs asks nothing twice, and tells once at its end."""
    scene = Scene()
    scene.calls = 15
    reports = [scene.tick()]
    while not reports[-1].is_complete:
        reports.append(scene.tick())

    assert [one.work for one in reports] == [
        RefreshAction.FULL,
        *[RefreshAction.GO_ON] * (len(reports) - 1),
    ]
    assert len(reports) > 3
    assert scene.aws.calls["lambda.get_policy"] == 20
    assert (reports[-1].functions, len(scene.subjects)) == (20, 1)


def test_a_change_during_a_long_pass_is_not_lost() -> None:
    """What changes after it was read is worked in when the pass is at its end."""
    scene = Scene()
    scene.calls = 15
    scene.tick()
    scene.tick()
    scene.note(*loop_changes(scene))
    while not scene.tick().is_complete:
        pass
    scene.calls = None
    scene.tick()

    assert scene.memory.store().read_noted() == ()
    assert any("orders-00003" in one.subject + one.body for one in scene.topic.sent)


def test_a_pass_without_an_end_is_given_up_loudly() -> None:
    """A reading that never ends becomes an error, which the alarm on errors tells of."""
    scene = Scene()
    scene.calls = 0
    for _ in range(MOST_RUNS):
        scene.tick()
    with pytest.raises(PassTooLongError):
        scene.tick()
    scene.calls = None

    assert scene.tick().is_complete


def test_who_comes_second_leaves_at_once() -> None:
    """A tick while another run is at it does nothing."""
    scene = Scene()
    scene.memory.store("other").take_turn(NOON, NOON + timedelta(hours=1))

    assert scene.tick().work is RefreshAction.BUSY
    assert scene.aws.calls.total() == 0


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize("call", ["write_book", "save", "forget", "keep_notice", "drop_notice"])
def test_a_run_that_dies_loses_nothing_and_doubles_nothing(when: str, call: str) -> None:
    """Wherever a run dies, in the end each loop was told of, once; a doubt says that it is one."""
    scene = Scene()
    scene.tick()
    scene.note(*loop_changes(scene))
    setattr(scene.memory, when, call)
    died = scene.dying_tick()
    for _ in range(3):
        scene.tick(minutes=16)

    told = [one for one in scene.subjects if "orders-00003" in one]
    assert died
    assert scene.memory.store().read_notices() == ()
    assert scene.memory.store().read_noted() == ()
    assert len([one for one in told if "(again)" not in one]) <= 1
    # Only where nobody can know whether SNS took it, it is sent again, marked.
    is_unknown = (when, call) in {("crash_after", "keep_notice"), ("crash_before", "drop_notice")}
    assert len(told) == (2 if (when, call) == ("crash_before", "drop_notice") else 1)
    assert ("(again)" in told[-1]) == is_unknown


@pytest.mark.parametrize("call", ["write_book", "save"])
def test_a_full_pass_that_dies_at_its_end_is_not_read_again(call: str) -> None:
    """What was read is kept before anything is concluded from it."""
    scene = Scene()
    if call == "write_book":
        scene.memory.crash_before = call
    else:
        scene.memory.crash_after = call
    died = scene.dying_tick()
    scene.aws.calls.clear()
    scene.tick(minutes=16)

    assert died
    assert scene.aws.calls.total() == 0
    assert len(scene.subjects) == 1


def test_a_notice_that_sns_does_not_take_is_sent_later() -> None:
    """A warning is not lost because the topic was away."""
    scene = Scene()
    scene.topic.broken = True
    scene.tick()
    scene.topic.broken = False
    scene.tick()

    assert len(scene.subjects) == 1
    assert "(again)" not in scene.subjects[0]


def test_a_notice_that_was_claimed_just_now_is_left_alone() -> None:
    """Only a claim that has aged is taken for that of a dead run."""
    scene = Scene()
    scene.tick()
    notice = a_notice().claimed(scene.now)
    scene.memory.store().keep_notice(notice)
    scene.tick(minutes=0.5)
    early = list(scene.subjects)
    scene.tick(minutes=2)

    assert len(early) == 1
    assert scene.subjects[1:] == ["[Loopbreaker] (again) subject 1"]


def test_missing_permissions_are_told_once() -> None:
    """What the guard may not read is told once, and again only when more is missing."""
    scene = Scene()
    scene.aws.refused.add(("s3", "list_buckets"))
    for _ in range(3):
        scene.tick(minutes=61)
    once = len([one for one in scene.subjects if "UNSEEN" in one])
    scene.aws.refused.add(("pipes", "list_pipes"))
    scene.tick(minutes=61)
    told = [one for one in scene.topic.sent if "UNSEEN" in one.subject]

    assert (once, len(told)) == (1, 2)
    assert "s3:ListAllMyBuckets" in told[0].body
    assert "pipes:ListPipes" in told[1].body


def test_facts_that_were_lost_are_read_anew() -> None:
    """Somebody emptied the table: the next reading starts from nothing, and tells nothing twice."""
    scene = Scene()
    scene.tick()
    scene.table.items.clear()
    scene.note(*loop_changes(scene))
    report = scene.tick()

    assert report.is_complete
    assert report.functions == 20
    assert len(scene.subjects) == 2


def test_the_table_does_not_grow() -> None:
    """Parts of readings that are over are deleted."""
    scene = Scene()
    scene.tick(minutes=61)
    sizes = []
    for hour in range(4):
        scene.add_loop(hour + 2)
        scene.tick(minutes=61)
        sizes.append(len(scene.table.items))

    assert max(sizes) - min(sizes) <= 4


def test_a_tick_logs_what_the_graph_decided_and_what_it_could_not() -> None:
    """The number of functions for each proof, and for each reason why a loop is not ruled out."""
    scene = Scene()
    report = scene.tick()

    counts = report.counts
    undecided = counts.unknown
    assert counts.certain + counts.possible + undecided + counts.ruled_out == counts.functions
    assert undecided > 0
    assert max(report.doubts.values()) <= undecided <= sum(report.doubts.values())
    (fields,) = (fields for message, fields in scene.log.lines if message == "charted")
    assert fields["counts"]["unknown"] == undecided
    assert fields["doubts"] == report.doubts


def test_a_mapping_that_the_guard_has_disabled_is_no_fix() -> None:
    """The loop stays in the book, since a restore closes it again; one that people broke goes."""
    scene = Scene()
    name = scene.add_loop()
    scene.tick()
    assert _proof(scene, name) is LoopProof.CERTAIN
    (uuid,) = (one for one in scene.aws.mappings if one.startswith("fresh"))

    scene.aws.mappings[uuid]["State"] = "Disabled"
    scene.held = frozenset({uuid})
    scene.tick(minutes=24 * 60 + 1)
    assert _proof(scene, name) is LoopProof.CERTAIN

    scene.held = frozenset()
    scene.tick(minutes=24 * 60 + 1)
    assert _proof(scene, name) is not LoopProof.CERTAIN


def _proof(scene: Scene, name: str) -> LoopProof:
    assert scene.memory.book is not None
    return scene.memory.book.proof(name)
