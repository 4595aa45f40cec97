"""What a notice says of settings, links and ways back."""

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import LimitMapping, StepOutcome
from functions.domain.detection.assessment import Verdict
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import Transition
from functions.domain.notices.commands import (
    build_own_restore_command,
    build_restore_commands,
)
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.sections.settings import list_steps_in_force
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.incident.tags import compose_doubtful_tag, compose_unreadable_tag
from functions.domain.notices.incident.unreadable_record import compose_unreadable_record
from functions.domain.notices.layout import (
    mark_as_repeated,
)
from functions.domain.notices.links import build_function_link
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.stack_deletion import compose_functions_left
from tests.unit.domain.notices.incident.printing import (
    check_limits,
    incidents,
)
from tests.unit.domain.notices.samples.account import (
    CONTEXT,
    DEPLOYMENT,
    FUNCTION,
    HOLDING,
    NOW,
    told,
)
from tests.unit.domain.notices.samples.mails import TAGGED, tagged
from tests.unit.domain.notices.samples.stops import (
    contained,
    refused,
    released,
    restored,
    unrestored,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("orders", ["restore", "orders", "--region", "eu-west-1"]),
        ("a b;$(reboot)'", ["restore", "a b;$(reboot)'", "--region", "eu-west-1"]),
        ("--all", ["restore", "--region", "eu-west-1", "--", "--all"]),
    ],
)
def test_the_own_command_names_one_function(name: str, words: list[str]) -> None:
    """Whatever its name is: that may begin with a hyphen, as options do."""
    command = build_own_restore_command(name, "eu-west-1")

    assert shlex.split(command) == ["loopbreaker", *words]
    assert build_own_restore_command("orders", None) == "loopbreaker restore orders"


@pytest.mark.parametrize(
    ("prior", "verb", "option"),
    [
        (None, "delete-function-concurrency", ""),
        (0, "put-function-concurrency", " --reserved-concurrent-executions 0"),
        (25, "put-function-concurrency", " --reserved-concurrent-executions 25"),
    ],
)
def test_nothing_and_zero_are_kept_apart(prior: int | None, verb: str, option: str) -> None:
    """No reservation is put back by deleting it; 0 and other numbers by writing them."""
    incident = contained(prior=prior)
    command = f"aws lambda {verb} --function-name orders-enricher{option} --region eu-west-1"

    notices = (
        compose_ledger_unavailable(incident, CONTEXT, NOW),
        compose_functions_left((incident,), DEPLOYMENT, NOW),
    )

    for notice in notices:
        given_commands = [line.strip() for line in notice.body.splitlines()]
        assert [line for line in given_commands if "function-concurrency " in line] == [command]


def test_only_what_is_still_changed_is_put_back() -> None:
    """Commands leave out what is back, gone, refused, or changed by somebody else."""
    names = [type(one.step).__name__ for one in list_steps_in_force(unrestored())]

    assert names == ["Reserve", "RemoveProvisioned"]
    assert list_steps_in_force(restored()) == ()
    assert list_steps_in_force(refused()) == ()


def test_a_planned_step_counts_as_changed() -> None:
    """A step that may have been done before a crash is put back too."""
    incident = told(DecisionReason.RUNAWAY).with_reservation(0, None)

    assert build_restore_commands(list_steps_in_force(incident), None) == (
        "aws lambda delete-function-concurrency --function-name orders-enricher",
    )


@pytest.mark.parametrize(("prior", "before"), [(None, "no limit"), (40, "40")])
@pytest.mark.parametrize("transition", [Transition.ENDED, Transition.DELETED])
def test_a_limited_mapping_is_named_with_the_way_back(
    transition: Transition, prior: int | None, before: str
) -> None:
    """What is set now, what was there before, and the command that puts it back."""
    limit = LimitMapping(function=FUNCTION, uuid="u-1", source_arn="q", to=5, prior=prior)
    incident = contained().with_step(StepOutcome(step=limit, status=StepStatus.DONE))

    notice = compose_notice(transition, incident, CONTEXT, NOW)

    check_limits(notice)
    config = "'{}'" if prior is None else f"MaximumConcurrency={prior}"
    assert f"update-event-source-mapping --uuid u-1 --scaling-config {config}" in notice.body
    if transition is Transition.ENDED:
        said = f"Maximum concurrency of event source mapping u-1: 5; before, {before}."
        assert said in " ".join(notice.body.split())
    stopped = compose_notice(Transition.CONTAINED, incident, CONTEXT, NOW)
    assert "Limited in its concurrency: 1 event source mapping." in " ".join(stopped.body.split())


def test_repeated_is_marked() -> None:
    """A repeat says so in subject and body and keeps the limits."""
    stored = Notice(subject="[Loopbreaker] " + "s" * 85, body="Body.\n")

    notice = mark_as_repeated(stored)

    check_limits(notice)
    assert notice.subject.startswith("[Loopbreaker] (again) s")
    assert notice.body.startswith("Sent again, because the first sending was not confirmed.")
    assert notice.body.rstrip().endswith("Body.")


def test_observe_mode_would_hold() -> None:
    """Observe mode says what the deployment's response would have been."""
    incident = told(DecisionReason.OBSERVE_MODE, Verdict.SUSPECTED)

    notice = compose_notice(
        Transition.NOTIFIED, incident, replace(CONTEXT, deployment=HOLDING), NOW
    )

    assert notice.subject.startswith("[Loopbreaker] WOULD HOLD orders-enricher")


def test_released_by_a_changed_number() -> None:
    """A reservation that somebody changed is said with its number, 0 included."""
    for found in (0, 40):
        context = replace(CONTEXT, found=FoundReservation(reserved_concurrency=found))

        body = compose_notice(Transition.RELEASED, released(), context, NOW).body

        assert f"It is now {found}." in body


def test_restore_failed_warns_of_what_was_already_put_back() -> None:
    """An enabled mapping on a function that is still at 0 moves good messages: said at the top."""
    body = compose_notice(Transition.RESTORE_FAILED, unrestored(), CONTEXT, NOW).body

    top = body.partition("\n\n")[0]
    assert "Good messages of SQS orders-in move to its dead-letter queue." in top


def test_an_incident_that_was_capped_first() -> None:
    """A stop that follows a cap says so, and what was there before the cap."""
    incident = contained(target=5, prior=80).with_reservation(0, 5)

    body = compose_notice(Transition.CONTAINED, incident, CONTEXT, NOW).body

    assert "before, it was 80. It had been capped at 5 first, at 2026-11-23 03:15 UTC." in " ".join(
        body.split()
    )


def test_the_deadline_is_near_the_top() -> None:
    """Until when stream records are kept stands on the first screen."""
    body = compose_notice(Transition.CONTAINED, contained(), CONTEXT, NOW).body

    assert body.index("2026-11-24 03:15 UTC") < body.index("Fix the loop")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_partition(region: str, host: str) -> None:
    """Links use the console of the Region's partition and survive being recognised in a mail."""
    link = build_function_link("orders", region)

    assert link.startswith(host)
    assert not set(link) & set(" '\"<>")
    assert link.count("(") == link.count(")")
    assert "/orders?" in link


def test_the_only_record_is_to_be_kept() -> None:
    """Without ledger and tags the notice says that it is the only record."""
    body = compose_ledger_unavailable(contained(), NoticeContext(), NOW, is_tagged=False).body

    assert "KEEP THIS NOTICE" in body


@pytest.mark.thorough
@pytest.mark.parametrize("transition", Transition)
@pytest.mark.parametrize("kind", incidents())
def test_an_embedded_guard_names_its_command(transition: Transition, kind: str) -> None:
    """Somebody else's app takes no flags of ours, so no notice asks to restore with them."""
    embedded = replace(CONTEXT, deployment=replace(DEPLOYMENT, is_embedded=True))
    usual, there = (
        compose_notice(transition, incidents()[kind], context, NOW).body
        for context in (CONTEXT, embedded)
    )

    assert "cdk deploy" not in there
    assert " -c " not in there
    assert "flag" not in there
    assert usual.count("npx cdk deploy -c rollback=") == there.count("loopbreaker restore ")
    if "loopbreaker restore" in there:
        named = rf"loopbreaker restore {FUNCTION} (--force )?--region eu-west-1\n"
        assert re.search(named, there)


@pytest.mark.parametrize("name", ["tag_in_doubt", "tag_unreadable", "record_unreadable"])
def test_an_embedded_guard_names_what_restores_all(name: str) -> None:
    """Where all is said to be restored by a flag, the command stands there instead."""
    there = replace(DEPLOYMENT, is_embedded=True)
    composers: dict[str, Callable[[], Notice]] = {
        "tag_in_doubt": lambda: compose_doubtful_tag(tagged(), TAGGED, there),
        "tag_unreadable": lambda: compose_unreadable_tag(tagged("nothing of ours"), there),
        "record_unreadable": lambda: compose_unreadable_record(FUNCTION, there),
    }
    body = " ".join(composers[name]().body.split())

    assert " -c " not in body
    assert "loopbreaker restore --all" in body
