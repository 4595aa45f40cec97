"""An account with three loops and two healthy functions, made by the calls that people make."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.scenarios.provision import package_code

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "123456789012"
REGION = "us-east-1"
SECRET = "hunter2-is-no-resource"
LOOPING = {"requeue", "enrich", "resize"}
HEALTHY = {"report", "copy"}


class Builder:
    """Makes resources; `client` makes the client of a service."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def build(self) -> None:
        """Loops through a queue, a table's stream and a bucket, and what only looks like one."""
        self._loop_by_queue()
        self._loop_by_stream()
        self._loop_by_bucket()
        self._function("report", "cloudwatch:PutMetricData", "*")
        self._apart()

    def _loop_by_queue(self) -> None:
        arn = self._queue("work")
        self._function(
            "requeue",
            "sqs:SendMessage",
            arn,
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            variables={"QUEUE": "work", "PASSWORD": SECRET},
        )
        self._map(arn, "requeue")

    def _loop_by_stream(self) -> None:
        table = self._client("dynamodb").create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]
        self._function("enrich", "dynamodb:PutItem", table["TableArn"])
        self._map(table["LatestStreamArn"], "enrich", StartingPosition="LATEST")

    def _loop_by_bucket(self) -> None:
        self._function("resize", "s3:PutObject", "arn:aws:s3:::photos/*")
        self._notify("photos", "resize")

    def _apart(self) -> None:
        """What is written lies under another prefix than what triggers."""
        self._function("copy", "s3:PutObject", "arn:aws:s3:::documents/out/*")
        self._notify("documents", "copy", prefix="in/")

    def _queue(self, name: str) -> str:
        sqs = self._client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def _function(
        self,
        name: str,
        action: str,
        resource: str,
        *more: str,
        variables: dict[str, str] | None = None,
    ) -> None:
        iam = self._client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = iam.create_role(
            RoleName=f"{name}-role",
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
            ),
        )["Role"]["Arn"]
        statements = [
            {"Effect": "Allow", "Action": [action, *more], "Resource": resource},
            {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
        ]
        iam.put_role_policy(
            RoleName=f"{name}-role",
            PolicyName="does",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        self._client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Timeout=10,
            Code={"ZipFile": package_code("def handler(event, context): return None")},
            Environment={"Variables": variables or {}},
        )

    def _map(self, source: str, name: str, **more: Any) -> None:
        self._client("lambda").create_event_source_mapping(
            FunctionName=name, EventSourceArn=source, **more
        )

    def _notify(self, bucket: str, name: str, prefix: str = "") -> None:
        self._client("lambda").add_permission(
            FunctionName=name,
            StatementId="bucket",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{bucket}",
        )
        s3 = self._client("s3")
        s3.create_bucket(Bucket=bucket)
        key = {"FilterRules": [{"Name": "prefix", "Value": prefix}]}
        s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "LambdaFunctionConfigurations": [
                    {
                        "Id": "new",
                        "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
                        "Events": ["s3:ObjectCreated:*"],
                        **({"Filter": {"Key": key}} if prefix else {}),
                    }
                ]
            },
        )
