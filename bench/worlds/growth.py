"""An account of any size, grown by rules: functions, what invokes them, and their roles."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

# How many functions an API leads to, each with a method of its own.
FUNCTIONS_PER_API: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How many there are of each thing, for one function."""

    buckets: float = 0.10
    rules: float = 0.22
    subscriptions: float = 0.14
    polled_queues: float = 0.14
    polled_streams: float = 0.06
    machines: float = 0.06
    pipes: float = 0.02
    delivery_streams: float = 0.01
    schedules: float = 0.10
    tables: float = 0.08
    apis: float = 0.20


def grown(functions: int, mix: Mix | None = None) -> PagedAccount:
    """An account with so many functions and what belongs to them."""
    account = PagedAccount()
    Growth(account, functions, mix or Mix()).all()
    return account


class Growth:
    """Puts things into an account."""

    def __init__(self, account: PagedAccount, functions: int, mix: Mix) -> None:
        self.account = account
        self.count = functions
        self.mix = mix

    def all(self) -> None:
        """Everything, functions first."""
        self._managed()
        for number in range(self.count):
            self._function(number)
        self._queues_and_streams()
        self._buckets()
        self._topics()
        self._rules()
        self._others()
        self._loops()

    def _times(self, share: float) -> int:
        return max(1, round(self.count * share))

    def _name(self, number: int) -> str:
        return f"orders-{number % self.count:05}"

    def _function_arn(self, number: int) -> str:
        return self.account.arn("lambda", f"function:{self._name(number)}")

    def _managed(self) -> None:
        basic = [("logs:CreateLogGroup", "*"), ("logs:PutLogEvents", "*")]
        self._policy("AWSLambdaBasicExecutionRole", basic, owner="aws", path="service-role/")
        self._policy("AWSLambdaSQSQueueExecutionRole", [("sqs:ReceiveMessage", "*")], owner="aws")
        for number in range(40):
            bucket = f"arn:aws:s3:::bucket-{number}/shared/*"
            self._policy(f"shared-{number}", [("s3:PutObject", bucket)], owner=ACCOUNT)

    def _policy(
        self, name: str, allowed: Sequence[tuple[str, str]], *, owner: str, path: str = ""
    ) -> None:
        arn = f"arn:aws:iam::{owner}:policy/{path}{name}"
        self.account.managed[arn] = {
            "PolicyName": name,
            "Arn": arn,
            "DefaultVersionId": "v1",
            "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": True, "Document": _document(allowed)}
            ],
        }

    def _role(self, name: str, allowed: Sequence[tuple[str, str]], service: str) -> str:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        attached = [
            {"PolicyName": one["PolicyName"], "PolicyArn": one["Arn"]}
            for one in itertools.islice(self.account.managed.values(), 1)
        ]
        self.account.roles[arn] = {
            "RoleName": name,
            "Arn": arn,
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": f"{service}.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "RolePolicyList": [
                {"PolicyName": f"{name}-policy", "PolicyDocument": _document(allowed)}
            ],
            "AttachedManagedPolicies": attached,
        }
        return arn

    def _function(self, number: int) -> None:
        name = self._name(number)
        table = f"table-{number % self._times(self.mix.tables)}"
        queue = f"work-{(number + 7) % self._times(self.mix.polled_queues)}"
        allowed = [
            ("dynamodb:PutItem", self.account.arn("dynamodb", f"table/{table}")),
            ("dynamodb:GetItem", self.account.arn("dynamodb", "table/*")),
        ]
        if number % 3 == 0:
            allowed.append(("sqs:SendMessage", self.account.arn("sqs", f"sent-{queue}")))
        if number % 5 == 0:
            allowed.append(("s3:PutObject", f"arn:aws:s3:::archive-{number}/output/*"))
        self.account.functions[name] = {
            "FunctionName": name,
            "FunctionArn": self._function_arn(number),
            "Role": self._role(f"{name}-role", allowed, "lambda"),
            "Runtime": "python3.13",
            "MemorySize": 256,
            "Timeout": 30,
            "LastModified": "2026-03-10T12:00:00.000+0000",
            "Environment": {"Variables": {"TABLE_NAME": table, "STAGE": "prod", "LOG": "INFO"}},
            "TracingConfig": {"Mode": "PassThrough"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
            "Version": "$LATEST",
        }
        if number < self._times(self.mix.apis):
            source = self.account.arn(
                "execute-api", f"api{number // FUNCTIONS_PER_API}/*/GET/orders/{number}"
            )
            self._admit(number, "apigateway", source)
            self.integrate(number, f"api{number // FUNCTIONS_PER_API}", f"/orders/{number}")

    def integrate(self, number: int, api: str, path: str) -> None:
        """Every other API is a REST API."""
        function, account = self._function_arn(number), self.account
        if int(api.removeprefix("api")) % 2 == 0:
            account.apis[api] = {"ApiId": api, "Name": api, "ProtocolType": "HTTP"}
            account.integrations.setdefault(api, {})[f"i{number}"] = {
                "IntegrationId": f"i{number}",
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function,
            }
            account.routes.setdefault(api, {})[f"r{number}"] = {
                "RouteId": f"r{number}",
                "RouteKey": f"GET {path}",
                "Target": f"integrations/i{number}",
            }
            return
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
        account.rest_apis[api] = {"id": api, "name": api}
        account.rest_resources.setdefault(api, {})[f"r{number}"] = {
            "id": f"r{number}",
            "path": path,
            "resourceMethods": {
                "GET": {
                    "httpMethod": "GET",
                    "methodIntegration": {"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri},
                },
                "OPTIONS": {"httpMethod": "OPTIONS", "methodIntegration": {"type": "MOCK"}},
            },
        }

    def _admit(self, number: int, service: str, source: str) -> None:
        name = self._name(number)
        before = self.account.policies.get(name)
        document: dict[str, Any] = (
            json.loads(before) if before else {"Version": "2012-10-17", "Statement": []}
        )
        document["Statement"].append(
            {
                "Sid": f"s{len(document['Statement'])}",
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": self._function_arn(number),
                "Condition": {"ArnLike": {"AWS:SourceArn": source}},
            }
        )
        self.account.policies[name] = json.dumps(document)

    def _map(self, number: int, source: str) -> None:
        uuid = f"00000000-0000-4000-8000-{len(self.account.mappings):012}"
        self.account.mappings[uuid] = {
            "UUID": uuid,
            "FunctionArn": self._function_arn(number),
            "EventSourceArn": source,
            "State": "Enabled",
        }

    def _queues_and_streams(self) -> None:
        for number in range(self._times(self.mix.polled_queues)):
            self._map(number, self.account.arn("sqs", f"work-{number}"))
        for number in range(self._times(self.mix.polled_streams)):
            stream = f"table/other-{number}/stream/2026-01-01T00:00:00.000"
            self._map(number + self.count // 3, self.account.arn("dynamodb", stream))

    def _buckets(self) -> None:
        for number in range(self._times(self.mix.buckets)):
            answer: dict[str, Any] = {}
            if number % 2 == 0:
                function = number + self.count // 2
                answer["LambdaFunctionConfigurations"] = [
                    {
                        "Id": f"n{number}",
                        "LambdaFunctionArn": self._function_arn(function),
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "input/"}]}},
                    }
                ]
                self._admit(function, "s3", f"arn:aws:s3:::bucket-{number}")
            self.account.buckets[f"bucket-{number}"] = answer

    def _topics(self) -> None:
        for number in range(self._times(self.mix.subscriptions)):
            topic = self.account.arn("sns", f"topic-{number // 2}")
            arn = f"{topic}:00000000-0000-4000-8000-{number:012}"
            function = number + self.count // 4
            self.account.subscriptions[arn] = {
                "SubscriptionArn": arn,
                "TopicArn": topic,
                "Protocol": "lambda" if number % 10 else "email",
                "Endpoint": self._function_arn(function),
                "Owner": ACCOUNT,
            }
            self._admit(function, "sns", topic)

    def _rules(self) -> None:
        for number in range(self._times(self.mix.rules)):
            name = f"rule-{number}"
            is_clock = number % 2 == 0
            self.account.rules["default", name] = {
                "Name": name,
                "Arn": self.account.arn("events", f"rule/{name}"),
                "State": "ENABLED",
                "EventBusName": "default",
                **(
                    {"ScheduleExpression": "rate(5 minutes)"}
                    if is_clock
                    else {"EventPattern": json.dumps({"source": [f"orders.{number}"]})}
                ),
            }
            function = number + self.count // 5
            self.account.targets["default", name] = [
                {"Id": "1", "Arn": self._function_arn(function)}
            ]
            self._admit(function, "events", self.account.arn("events", f"rule/{name}"))

    def _others(self) -> None:
        for number in range(self._times(self.mix.schedules)):
            arn = self.account.arn("scheduler", f"schedule/default/s{number}")
            target = self._function_arn(number)
            self.account.schedules[f"s{number}"] = {"Arn": arn, "Target": {"Arn": target}}
        for number in range(self._times(self.mix.pipes)):
            self.account.pipes[f"pipe-{number}"] = {
                "Name": f"pipe-{number}",
                "Arn": self.account.arn("pipes", f"pipe/pipe-{number}"),
                "Source": self.account.arn("sqs", f"piped-{number}"),
                "Target": self._function_arn(number),
                "DesiredState": "RUNNING",
                "RoleArn": self._role(
                    f"pipe-{number}-role", [("sqs:ReceiveMessage", "*")], "pipes"
                ),
                "SourceParameters": {},
            }
        for number in range(self._times(self.mix.machines)):
            arn = self.account.arn("states", f"stateMachine:flow-{number}")
            state = {"Type": "Task", "Resource": self._function_arn(number), "End": True}
            self.account.machines[arn] = {
                "stateMachineArn": arn,
                "name": f"flow-{number}",
                "roleArn": self._role(
                    f"flow-{number}-role",
                    [("lambda:InvokeFunction", self._function_arn(number))],
                    "states",
                ),
                "definition": json.dumps({"StartAt": "Do", "States": {"Do": state}}),
            }
        for number in range(self._times(self.mix.delivery_streams)):
            name = f"delivery-{number}"
            self.account.delivery_streams[name] = {
                "DeliveryStreamName": name,
                "DeliveryStreamARN": self.account.arn("firehose", f"deliverystream/{name}"),
                "Destinations": [
                    {"ExtendedS3DestinationDescription": {"BucketARN": "arn:aws:s3:::lake"}}
                ],
            }

    def _loops(self) -> None:
        """One function in a hundred writes to the table whose stream invokes it."""
        for number in range(0, self.count, 100):
            role = self.account.roles[f"arn:aws:iam::{ACCOUNT}:role/{self._name(number)}-role"]
            table = self.account.arn("dynamodb", f"table/loop-{number}")
            role["RolePolicyList"][0]["PolicyDocument"]["Statement"].append(
                {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}
            )
            self._map(number, f"{table}/stream/2026-01-01T00:00:00.000")


def _document(allowed: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": f"s{number}", "Effect": "Allow", "Action": action, "Resource": resource}
            for number, (action, resource) in enumerate(allowed)
        ],
    }
