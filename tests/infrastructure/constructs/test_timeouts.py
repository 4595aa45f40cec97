"""The guard's patience with AWS, against the time that Lambda gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.detection import lambda_metrics as metrics
from functions.aws.runtime import clients
from functions.domain.detection.evidence import (
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
)
from functions.domain.incidents.incident import CONTAIN_TAKES_AT_MOST
from functions.workflows.detection import collect_evidence as gathering
from tests.unit.aws.stubs import use_any_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infrastructure.conftest import Synthesized

# Of the questions that CloudWatch is asked one after the other before the first function can be
# stopped: the account's series, its 14 days, the busiest functions, the candidates' series (the
# last two side by side).
QUESTIONS_IN_A_ROW = 4
CONTAIN = "Loopbreaker-contain"
DATAPOINTS_OF_A_PAGE = 100_800


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_any_credentials(monkeypatch)
    yield
    clients.forget()


def longest_seconds(client: Any, attempts: int | None = None) -> float:
    """How long a call takes at most: every attempt times out, every pause is as long as it gets."""
    config = client.meta.config
    attempts = attempts or config.retries["total_max_attempts"]
    pauses = sum(min(20.0, 2.0**number) for number in range(attempts - 1))
    return float(attempts * (config.connect_timeout + config.read_timeout) + pauses)


def test_contain_has_time_to_act(default: Synthesized) -> None:
    """With CloudWatch at its slowest, the snapshot and one throttle still fit in the run."""
    waiting = QUESTIONS_IN_A_ROW * longest_seconds(clients.make_cloudwatch_client())
    acting = longest_seconds(clients.make_dynamodb_client()) + longest_seconds(
        clients.make_lambda_client(), attempts=1
    )

    assert waiting + acting <= default.function(CONTAIN)["Timeout"]


def test_a_batch_of_candidates_is_one_small_question() -> None:
    """The series of a batch are one call each, of at most two fifths of what a page holds."""
    precedent = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
    recent = len(metrics._RECENT) * RECENT_MINUTES

    assert min(metrics._PRECEDENT_FUNCTIONS, metrics._RECENT_FUNCTIONS) >= gathering.BATCH
    assert gathering.BATCH * precedent <= 0.4 * DATAPOINTS_OF_A_PAGE
    assert gathering.BATCH * recent <= 0.4 * DATAPOINTS_OF_A_PAGE


def test_a_run_of_contain_lives_no_longer_than_a_restore_waits_for_it(default: Synthesized) -> None:
    """A record is closed only when nobody can change anything unnoticed."""
    assert default.function(CONTAIN)["Timeout"] <= CONTAIN_TAKES_AT_MOST.total_seconds()
