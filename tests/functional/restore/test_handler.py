"""The handler of `restore`, from CloudFormation's event to the answer on its URL."""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions.aws.runtime import custom_resource
from functions.aws.runtime.custom_resource import respond
from functions.domain.errors import LedgerUnavailableError
from functions.domain.incidents.states import IncidentState
from functions.restore import handler as module
from functions.restore.handler import handler
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import QUEUE, Scene

CONTEXT = lambda_context("Loopbreaker-restore")


class Stage:
    """A scene behind the handler, and what CloudFormation was answered."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.answers: list[dict[str, Any]] = []

    def send(self, kind: str, rollback: tuple[str, ...] = (), nonce: str = "", **given: Any) -> Any:
        """One request; the answer."""
        handler(_request(kind, rollback, nonce, **given), CONTEXT)
        return self.answers[-1]


def _request(
    kind: str, rollback: tuple[str, ...], nonce: str, request_id: str | None = None
) -> dict[str, Any]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:Loopbreaker-restore"
    return {
        "RequestType": kind,
        "ServiceToken": arn,
        "ResponseURL": "https://cloudformation-custom-resource-response.example.com/it",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/Loopbreaker/id",
        "RequestId": request_id or f"request-{kind}-{nonce}",
        "LogicalResourceId": "Rollback",
        "ResourceType": "Custom::LoopbreakerRollback",
        "ResourceProperties": {
            "ServiceToken": arn,
            "ServiceTimeout": "900",
            "Rollback": list(rollback),
            "Mode": "now",
            "Nonce": nonce,
        },
    } | ({} if kind == "Create" else {"PhysicalResourceId": "LoopbreakerRollback"})


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The handler with fakes behind it."""
    staged = Stage(Scene())

    def put(url: str, body: bytes) -> None:
        staged.answers.append(json.loads(body))

    monkeypatch.setattr(custom_resource, "respond", partial(respond, put=put))
    monkeypatch.setattr(module, "connect", lambda: staged.scene.rollbacks)
    return staged


def test_the_flag_restores_and_works_again_next_week(stage: Stage) -> None:
    """Each synthesis brings a new nonce, so the same flag is a new request."""
    for week in ("one", "two"):
        stage.scene.now += timedelta(days=7)
        stage.scene.add_runaway(reserved=5)
        stage.scene.contributor()
        stage.scene.chart()
        assert stage.scene.account.by_name["orders"].reserved == 0

        answered = stage.send("Update", ("orders",), nonce=week)

        assert answered["Status"] == "SUCCESS"
        assert answered["Data"] == {"Restored": "orders: restored"}
        assert stage.scene.account.by_name["orders"].reserved == 5


def test_the_absence_of_the_flag_restores_nothing(stage: Stage) -> None:
    """The next deployment without the flag is an Update, too, and a no-op."""
    stage.scene.add_runaway()
    stage.scene.contributor()

    answered = stage.send("Update")

    assert answered["Status"] == "SUCCESS"
    assert stage.scene.account.by_name["orders"].reserved == 0


def test_a_function_of_another_account_is_not_restored(stage: Stage) -> None:
    """Its name alone may be that of a function here, which must stay contained."""
    stage.scene.add_runaway()
    stage.scene.contributor()
    arn = "arn:aws:lambda:eu-west-1:999999999999:function:orders"

    answered = stage.send("Update", (arn,), nonce="n")

    assert answered["Status"] == "FAILED"
    assert answered["Reason"] == (
        f"{arn} is in account 999999999999 Region eu-west-1, but this Loopbreaker watches "
        "account 123456789012 Region us-east-1; nothing was changed"
    )
    assert stage.scene.account.by_name["orders"].reserved == 0


def test_cloudformation_replaying_old_properties_restores_nothing(stage: Stage) -> None:
    """A failed deployment is rolled back with an Update that carries the former flag."""
    stage.scene.add_runaway()
    stage.scene.contributor()
    stage.send("Update", ("orders",), nonce="monday")
    stage.scene.now = stage.scene.now.replace(hour=20)
    stage.scene.burn()
    stage.scene.contributor()
    assert stage.scene.account.by_name["orders"].reserved == 0

    answered = stage.send("Update", ("orders",), nonce="monday", request_id="the rollback's own")

    assert answered["Status"] == "SUCCESS"
    assert stage.scene.account.by_name["orders"].reserved == 0


def test_a_repeated_delivery_of_the_same_request_goes_on_and_does_nothing_twice(
    stage: Stage,
) -> None:
    """Lambda may run the handler again for one request."""
    stage.scene.add_runaway(reserved=5)
    stage.scene.contributor()
    for _ in range(2):
        answered = stage.send("Update", ("orders",), nonce="n", request_id="same")
        assert answered["Status"] == "SUCCESS"

    assert stage.scene.account.by_name["orders"].reserved == 5
    assert sum("RESTORED" in one for one in stage.scene.subjects) == 1


def test_a_refusal_fails_the_deployment_with_awss_words_and_the_functions_name(
    stage: Stage,
) -> None:
    """The rest is restored; the refused one stays contained, its incident open."""
    scene = stage.scene
    scene.add_runaway("a", reserved=300)
    scene.add_runaway("b", reserved=2)
    scene.contributor("a")
    scene.contributor("b")
    scene.account.add("greedy", reserved=700)

    answered = stage.send("Update", ("all",), nonce="n")

    assert answered["Status"] == "FAILED"
    assert "a: Specified ReservedConcurrentExecutions" in answered["Reason"]
    assert "Restored: b" in answered["Reason"]
    assert scene.incident("a").state is IncidentState.CONTAINED
    assert scene.account.by_name["b"].reserved == 2


def test_an_unknown_function_fails_the_deployment_and_names_what_is_held(stage: Stage) -> None:
    """A typing error is answered with what could have been meant."""
    stage.scene.add_runaway()
    stage.scene.contributor()

    answered = stage.send("Update", ("ordres",), nonce="n")

    assert answered["Status"] == "FAILED"
    assert "ordres: there is no such function" in answered["Reason"]
    assert "holds now: orders" in answered["Reason"]


def test_an_arn_names_a_function_as_well(stage: Stage) -> None:
    """Name and ARN are the same to the flag."""
    stage.scene.add_runaway(reserved=1)
    stage.scene.contributor()

    stage.send("Update", (stage.scene.account.by_name["orders"].arn,), nonce="n")

    assert stage.scene.account.by_name["orders"].reserved == 1


def test_deleting_the_stack_restores_nothing_and_names_what_stays_contained(stage: Stage) -> None:
    """The notice holds the commands that put each function back."""
    scene = stage.scene
    scene.add_runaway("a", reserved=5)
    scene.add_runaway("b")
    mapping = scene.account.add_mapping("a", QUEUE)
    scene.contributor("a")
    scene.contributor("b")

    answered = stage.send("Delete")

    body = scene.account.publisher.sent[-1].body.replace("\\\n", "")
    assert answered["Status"] == "SUCCESS"
    assert scene.account.by_name["a"].reserved == 0
    assert "--reserved-concurrent-executions 5" in body
    assert "delete-function-concurrency" in body
    assert mapping.uuid in body


def test_deleting_the_stack_succeeds_even_when_nothing_answers(stage: Stage) -> None:
    """A stack that cannot be removed helps nobody; the ledger stays."""
    stage.scene.account.ledger.is_down = True

    assert stage.send("Delete")["Status"] == "SUCCESS"


def test_without_the_ledger_the_deployment_fails_and_says_so(stage: Stage) -> None:
    """Nothing is put back by guessing."""
    stage.scene.add_runaway()
    stage.scene.contributor()
    stage.scene.account.ledger.is_down = True

    answered = stage.send("Update", ("orders",), nonce="n")

    assert answered["Status"] == "FAILED"
    assert "the table does not answer" in answered["Reason"]


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_awss_own_sample_requests_are_answered(stage: Stage, kind: str) -> None:
    """The documented samples lack ServiceToken and carry other properties."""
    sample = Path(__file__).parents[4] / f"shared/events/cfn_custom_resource.request_{kind}.json"
    if not sample.exists():
        return
    event = json.loads(sample.read_text())

    handler(event, CONTEXT)

    assert stage.answers[-1]["Status"] == "SUCCESS"


def test_a_restore_that_failed_is_tried_again_by_the_same_assembly(stage: Stage) -> None:
    """A pipeline that retries its stage deploys the same nonce with another request."""
    scene = stage.scene
    scene.add_runaway(reserved=300)
    scene.contributor()
    scene.chart()
    scene.account.add("greedy", reserved=700)
    assert stage.send("Update", ("orders",), nonce="n", request_id="1")["Status"] == "FAILED"
    scene.account.reserves("greedy", None)

    answered = stage.send("Update", ("orders",), nonce="n", request_id="2")

    assert answered["Status"] == "SUCCESS"
    assert answered["Data"] == {"Restored": "orders: restored"}
    assert scene.account.by_name["orders"].reserved == 300


def test_what_could_not_be_written_down_as_done_is_no_success(stage: Stage) -> None:
    """CloudFormation may send the same properties again, when somebody else holds the function."""
    stage.scene.add_runaway(reserved=5)
    stage.scene.contributor()
    stage.scene.account.faults.fail("settle_request", LedgerUnavailableError("no answer"), times=-1)

    answered = stage.send("Update", ("orders",), nonce="n")

    assert (answered["Status"], answered["Reason"]) == ("FAILED", "no answer")
    assert stage.scene.account.by_name["orders"].reserved == 5


def test_a_request_that_another_one_carries_out_is_no_success(stage: Stage) -> None:
    """Nobody is told that a function runs again while it is not known."""
    stage.scene.add_runaway()
    stage.scene.contributor()
    stage.scene.account.ledger.claim_request("n", "another", stage.scene.now)

    answered = stage.send("Update", ("orders",), nonce="n")

    assert answered["Status"] == "FAILED"
    assert "still being carried out" in answered["Reason"]
    assert stage.scene.account.by_name["orders"].reserved == 0
