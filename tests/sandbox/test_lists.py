"""Two lists that the emulator lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws


def test_queues_are_listed_by_their_dead_letter_queue(aws: LocalAws) -> None:
    """Only those whose redrive policy names the queue."""
    sqs = aws.client("sqs")
    urls = {
        name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "work", "other")
    }
    dead = sqs.get_queue_attributes(QueueUrl=urls["dead"], AttributeNames=["QueueArn"])
    redrive = {"deadLetterTargetArn": dead["Attributes"]["QueueArn"], "maxReceiveCount": 3}
    sqs.set_queue_attributes(
        QueueUrl=urls["work"], Attributes={"RedrivePolicy": json.dumps(redrive)}
    )

    assert sqs.list_dead_letter_source_queues(QueueUrl=urls["dead"])["queueUrls"] == [urls["work"]]
    assert sqs.list_dead_letter_source_queues(QueueUrl=urls["work"]).get("queueUrls", []) == []


def test_there_are_no_account_policies(aws: LocalAws) -> None:
    """The list is answered, and empty; the other calls of CloudWatch Logs go on as before."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/a")

    answer = logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")
    assert answer["accountPolicies"] == []
    assert [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]] == ["/a"]
