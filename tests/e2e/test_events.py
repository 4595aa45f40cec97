"""Who reacts to Loopbreaker: a rule on its events, and a channel for chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from functions.domain.notices.events.envelope import SOURCE
from sandbox.scenarios.provision import arn
from tests.e2e.deployment import ROOT

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

# As in test_rollback: `restore` asks the real clock.
SPEED = 15.0
PAGES = "pages"
CHANNEL = "channel"
SCHEMAS = ROOT / "docs" / "events"


@pytest.fixture(scope="module", autouse=True)
def consumers(aws: LocalAws, stack: Deployment) -> None:
    """A queue behind a rule on the default bus, and one behind the topic for chat."""
    stack.deploy(chat="on")
    sqs, events = aws.client("sqs"), aws.client("events")
    for name, service in ((PAGES, "events"), (CHANNEL, "sns")):
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", name),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
    events.put_rule(Name=PAGES, EventPattern=json.dumps({"source": [SOURCE]}))
    events.put_targets(Rule=PAGES, Targets=[{"Id": PAGES, "Arn": arn("sqs", PAGES)}])
    aws.client("sns").subscribe(
        TopicArn=stack.resource("AWS::SNS::Topic", "ChatNotices"),
        Protocol="sqs",
        Endpoint=arn("sqs", CHANNEL),
        Attributes={"RawMessageDelivery": "true"},
    )


class Queue:
    """A queue, with all that was taken out of it."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._sqs = aws.client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self.bodies: list[dict[str, Any]] = []

    def drain(self) -> list[dict[str, Any]]:
        """All messages up to now."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for one in messages:
                self.bodies.append(json.loads(one["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
        return self.bodies


@pytest.mark.function("watched-by-others", reserved=7)
def test_a_consumer_follows_an_incident_from_the_stop_to_the_restore(
    account: Account, name: str
) -> None:
    """Each event is there in order, valid by its schema; chat has the same in one thread."""
    pages, channel = Queue(account.aws, PAGES), Queue(account.aws, CHANNEL)

    def kinds() -> list[str]:
        own = [
            one for one in pages.drain() if one["detail"].get("function", {}).get("name") == name
        ]
        return [one["detail"]["kind"] for one in own]

    account.contain(name)
    account.until(lambda: "function_stopped" in kinds(), "an event of the stop")
    account.stack.deploy(rollback=name, chat="on")
    account.until(lambda: "function_restored" in kinds(), "an event of the restore")

    own = [one for one in pages.bodies if one["detail"].get("function", {}).get("name") == name]
    by_id = {one["detail"]["id"]: one for one in own}
    in_order = sorted(by_id.values(), key=lambda one: one["detail"]["occurred_at"])
    assert [one["detail"]["kind"] for one in in_order] == ["function_stopped", "function_restored"]
    assert len({one["detail"]["incident"]["id"] for one in own}) == 1
    for one in own:
        kind = one["detail"]["kind"]
        assert (one["source"], one["account"]) == (SOURCE, one["detail"]["account"])
        assert one["detail-type"].lower().replace(" ", "_") == kind
        schema = json.loads((SCHEMAS / f"{kind}.json").read_text())
        jsonschema.validate(one["detail"], schema, cls=jsonschema.Draft202012Validator)
    stopped = in_order[0]["detail"]
    assert stopped["severity"] == "critical"
    assert stopped["incident"]["restriction"]["reserved_concurrency"] == 0
    assert name in stopped["commands"]["restore"]

    account.until(lambda: len(messages(channel, name)) >= len(by_id), "as many messages in chat")
    said = messages(channel, name)
    assert {one["id"] for one in said} == set(by_id)
    assert {one["metadata"]["threadId"] for one in said} == {stopped["incident"]["id"]}
    (first,) = (one for one in said if one["id"] == stopped["id"])
    assert (first["version"], first["source"]) == ("1.0", "custom")
    assert any(stopped["commands"]["restore"] in one for one in first["content"]["nextSteps"])


def messages(channel: Queue, function: str) -> list[dict[str, Any]]:
    """What chat got about a function."""
    return [
        one
        for one in channel.drain()
        if one["metadata"]["additionalContext"].get("Function") == function
    ]


@pytest.mark.function("pressed-in-chat")
def test_the_button_in_chat_restores(account: Account, name: str) -> None:
    """What the custom action gives to `restore` is all that it needs; twice is once."""
    channel = Queue(account.aws, CHANNEL)
    account.contain(name)
    account.until(lambda: bool(messages(channel, name)), "a message in chat")
    payload = messages(channel, name)[0]["metadata"]["additionalContext"]["Restore"]

    for _ in range(2):
        answer = account.aws.client("lambda").invoke(
            FunctionName="Loopbreaker-restore", Payload=payload.encode()
        )
        assert "FunctionError" not in answer

    account.until(lambda: account.reserved(name) is None, f"{name} is restored")
    assert len(account.mails("RESTORED", name)) == 1
