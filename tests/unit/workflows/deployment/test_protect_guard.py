"""What `protect` reserves for the guard, and what it says where it cannot."""

from datetime import UTC, datetime

from functions.domain.errors import NoticeUndeliveredError
from functions.workflows.deployment.protect_guard import protect_guard
from tests.unit.workflows.deployment.account import (
    BELOW_MINIMUM,
    FakeAccount,
    FakeTopic,
    context,
)

NOW = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
FUNCTIONS = {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}


def test_reserves_where_the_limit_allows() -> None:
    """On an ordinary account each guard function gets its share, without a notice."""
    account, topic = FakeAccount(), FakeTopic()

    text = protect_guard(FUNCTIONS, context(account, topic), NOW)

    assert account.reservations == {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}
    assert text.startswith("protected: ")
    assert topic.sent == []


def test_small_account_deploys_all_the_same_and_says_so() -> None:
    """On an account with a limit of 10 nothing is reserved, and output and notice say so."""
    account, topic = FakeAccount(concurrency=10, minimum=10), FakeTopic()

    text = protect_guard(FUNCTIONS, context(account, topic), NOW)

    assert account.reservations == {}
    assert text.startswith("NOT protected")
    assert [subject for subject, _ in topic.sent] == [
        "Loopbreaker: the guard has no concurrency of its own"
    ]


def test_a_refusal_by_aws_deploys_all_the_same() -> None:
    """Where AWS refuses what the figures allowed, its own words are passed on."""
    topic = FakeTopic()

    text = protect_guard(FUNCTIONS, context(FakeAccount(concurrency=110, minimum=110), topic), NOW)

    assert BELOW_MINIMUM in text
    assert len(topic.sent) == 1


def test_a_notice_that_cannot_be_sent_does_not_fail_the_deployment() -> None:
    """The output still says what the notice would have said."""
    topic = FakeTopic(fault=NoticeUndeliveredError("topic is gone"))

    text = protect_guard(FUNCTIONS, context(FakeAccount(concurrency=10), topic), NOW)

    assert "could not be sent: topic is gone" in text


def test_repeated_request() -> None:
    """Lambda may deliver a request twice; the second time changes nothing."""
    account = FakeAccount()

    first = protect_guard(FUNCTIONS, context(account), NOW)
    second = protect_guard(FUNCTIONS, context(account), NOW)

    assert first == second
    assert account.reservations == {"Loopbreaker-contain": 5, "Loopbreaker-restore": 2}
