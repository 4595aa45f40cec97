"""What the guard may never do, and what it does when AWS fails it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore
import pytest

from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from stacks.names import EXEMPT_TAG, GUARD_FUNCTIONS, HOLD_SCHEDULES, STACK_NAME
from tests.e2e.account import LONG_SPIKE_MINUTES

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account

pytestmark = pytest.mark.e2e

OFTEN = 100_000
PULSE = f"{STACK_NAME}-pulse"


@pytest.mark.function("exempt-by-tag", tags={EXEMPT_TAG: "true"})
@pytest.mark.function("not-exempt")
def test_iam_denies_exempt_functions_and_the_guard_itself(
    account: Account, names: list[str]
) -> None:
    """Even code that is asked to cannot touch them under the guard's role; others it can."""
    exempt, other = names

    answers = {name: account.as_guard(name) for name in (exempt, other, *GUARD_FUNCTIONS)}

    assert answers[other] == "done"
    assert {answers[name] for name in (exempt, *GUARD_FUNCTIONS)} == {"AccessDeniedException"}


def test_the_guard_runs_on_the_sdk_that_it_brings(account: Account) -> None:
    """The deployed function calls AWS with the pinned SDK of its own package."""
    logs = account.aws.client("logs")

    def lines() -> list[dict[str, Any]]:
        group = "/aws/lambda/Loopbreaker-contain"
        answer = logs.filter_log_events(logGroupName=group, filterPattern='"AWS SDK"')
        texts = (
            one["message"] for one in answer["events"] if "cloudwatch_protocol" in one["message"]
        )
        return [json.loads(text[text.index("{") :]) for text in texts]

    account.until(lambda: bool(lines()), "the guard has logged its SDK")

    line = lines()[0]
    assert line["botocore"] == botocore.__version__
    assert "site-packages" not in line["path"]
    assert line["cloudwatch_protocol"] == "json"


@pytest.mark.function("exempt-runaway", tags={EXEMPT_TAG: "true"})
def test_an_exempt_function_is_told_of_and_not_touched(account: Account, name: str) -> None:
    """People learn that it runs away; nothing of it is changed."""
    before = account.settings(name)

    account.spike(name)

    assert account.mail("exempt", name)
    assert account.settings(name) == before


@pytest.mark.function("told-once", reserved=9)
def test_duplicates_lead_to_one_incident_and_one_mail(account: Account, name: str) -> None:
    """The same signal five times, some at the same moment: contained once, told once."""
    account.past(name)

    account.spike(name)
    for _ in range(4):
        account.signal(name)
    account.until(lambda: account.reserved(name) == 0, f"{name} is contained")
    account.mail("STOPPED", name)
    account.let_pulses_pass()

    assert len(account.mails("", name)) == 1
    incident = account.incident(name)
    assert incident is not None
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == 9


@pytest.mark.function("throttled-twice")
def test_a_throttled_control_plane_delays_and_does_not_prevent(account: Account, name: str) -> None:
    """Bounded retries carry the call that matters through AWS's own throttling."""
    account.aws.fail(
        "lambda:PutFunctionConcurrency", "TooManyRequestsException", status=429, times=2
    )

    account.contain(name)

    assert account.reserved(name) == 0
    assert not account.mails("COULD NOT STOP", name)


@pytest.mark.function("throttled-long")
def test_a_refused_throttle_is_told_and_tried_again(account: Account, name: str) -> None:
    """When the call keeps failing people are notified; the next pulse stops the function."""
    account.aws.fail(
        "lambda:PutFunctionConcurrency", "TooManyRequestsException", status=429, times=OFTEN
    )

    account.spike(name)
    assert account.mail("COULD NOT STOP", name)
    assert account.reserved(name) is None
    account.aws.heal()

    account.until(lambda: account.reserved(name) == 0, f"{name} is contained after all")


@pytest.mark.function("told-later")
def test_mail_that_could_not_be_sent_is_sent_later(account: Account, name: str) -> None:
    """With SNS down the function is contained all the same; the notice follows."""
    account.aws.fail("sns:Publish", "InternalError", status=500, times=OFTEN)

    account.spike(name)
    account.until(lambda: account.reserved(name) == 0, f"{name} is contained")
    account.let_pulses_pass()
    assert not account.mails("", name)
    account.aws.heal()

    assert account.mail("STOPPED", name)
    assert len(account.mails("STOPPED", name)) == 1


@pytest.mark.function("no-ledger", reserved=11)
def test_without_its_ledger_the_guard_contains_all_the_same(account: Account, name: str) -> None:
    """The snapshot is in a tag and in the mail; the ledger takes it over when it is back."""
    before = account.settings(name)
    account.aws.fail("dynamodb:*", "InternalServerError", status=500, times=OFTEN, role="Contain")

    account.spike(name)
    account.until(lambda: account.reserved(name) == 0, f"{name} is contained")
    mail = account.mail("ledger down", name)
    tags = dict(account.settings(name).tags)
    assert "reserved=11 " in tags[SNAPSHOT_TAG]
    assert "11" in mail.body
    account.aws.heal()

    account.until(lambda: account.incident(name) is not None, "the ledger takes it over")
    account.until(lambda: SNAPSHOT_TAG not in dict(account.settings(name).tags), "the tag is gone")
    account.until(lambda: account.state(name) is IncidentState.CONTAINED, "contained")
    account.stack.deploy(rollback=name)
    account.until_settings(name, before)


@pytest.mark.function("bystander")
def test_a_malformed_event_ends_as_a_dead_letter(account: Account, name: str) -> None:
    """After its retries it lies in the queue with the error, and an alarm says so by mail."""
    before = account.settings(name)

    account.invoke_guard({"detail-type": "Something Else", "source": "nobody", "function": name})

    assert account.mail("Loopbreaker-guard-failed")
    letters: list[dict[str, Any]] = []

    def has_arrived() -> bool:
        letters.extend(account.dead_letters())
        return any("nobody" in str(one) for one in letters)

    account.until(has_arrived, "the dead letter")
    said = [one.get("responsePayload") for one in letters]
    assert any("no trigger of Loopbreaker sends this event" in str(one) for one in said), said
    assert account.settings(name) == before
    assert not account.mails("", name)


@pytest.mark.function("released")
def test_a_person_who_releases_a_function_is_not_fought(account: Account, name: str) -> None:
    """The release is noticed and told; the function is left as the person set it."""
    account.contain(name)

    account.aws.client("lambda").put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=3
    )

    assert account.mail("RELEASED", name)
    account.let_pulses_pass()
    assert account.reserved(name) == 3


@pytest.mark.function("deleted-meanwhile")
def test_a_deleted_function_closes_its_incident(account: Account, name: str) -> None:
    """The incident of a function that no longer exists is over, and people are notified."""
    account.contain(name)

    account.aws.client("lambda").delete_function(FunctionName=name)

    assert account.mail("DELETED", name)
    account.until(lambda: account.incident(name) is None, "the incident is closed")


@pytest.mark.function("held-by-nobody", reserved=30, may_be_held=True)
def test_a_hold_ends_although_nothing_wakes_contain(
    account: Account, name: str, aws: LocalAws
) -> None:
    """The schedule that `contain` made before invokes `restore`, with the pulse's rule disabled."""
    account.stack.deploy(response="hold")
    events, scheduler = aws.client("events"), aws.client("scheduler")
    try:
        account.spike(name, minutes=LONG_SPIKE_MINUTES)
        assert account.mail("] HELD", name)
        # A little may be let go by now: that moves it from the one to the other and back.
        assert account.state(name) in {IncidentState.CAPPED, IncidentState.CAPPING}
        events.disable_rule(Name=PULSE)
        account.wait_minutes(2)  # a pulse that was under way may still move the schedule
        (made,) = scheduler.list_schedules(GroupName=HOLD_SCHEDULES)["Schedules"]
        aws.fire(made["Name"])

        mail = account.mail("RESTORED BY LOOPBREAKER", name)

        assert "This one was ended by a schedule" in " ".join(mail.body.split())
        assert account.reserved(name) == 30
        assert account.incident(name) is None
        assert scheduler.list_schedules(GroupName=HOLD_SCHEDULES)["Schedules"] == []
    finally:
        events.enable_rule(Name=PULSE)
        account.stack.deploy()


@pytest.mark.function("only-observed")
def test_in_observe_mode_nothing_is_changed(account: Account, name: str) -> None:
    """The guard decides and tells what it would have done."""
    before = account.settings(name)
    account.stack.deploy(mode="observe")
    try:
        account.spike(name)

        assert account.mail("WOULD STOP", name)
        account.let_pulses_pass()
        assert account.settings(name) == before
    finally:
        account.stack.deploy()
