"""An account that answers like AWS: in pages, through clients with botocore's names of the calls.

It runs in this process and takes no time, so that what a reading of it costs is the reading's own.
The mix of things in it is that of an account which grew for years: most functions are called by
something, few by a loop, and there are fewer roles, rules and buckets than functions.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"

# AWS's own limits of a page.
FUNCTIONS_PER_PAGE: Final = 50
ROLES_PER_PAGE: Final = 100
PER_PAGE: Final = 100

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


class PagedAccount:
    """The account; `client` is what `boto3.client` would be.

    Attributes
    ----------
    calls
        How often each call was made, by service and name.
    refused
        Calls that are denied, such as ``("iam", "get_account_authorization_details")``.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.refused: set[tuple[str, str]] = set()
        self.failures: dict[tuple[str, str], list[str]] = {}
        self.functions: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, str] = {}
        self.mappings: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.managed: dict[str, dict[str, Any]] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.replications: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.rules: dict[tuple[str, str], dict[str, Any]] = {}
        self.targets: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.pipes: dict[str, dict[str, Any]] = {}
        self.machines: dict[str, dict[str, Any]] = {}
        self.delivery_streams: dict[str, dict[str, Any]] = {}
        self.queues: dict[str, dict[str, str]] = {}
        self.resource_policies: dict[str, str] = {}
        self.dead_letter_sources: dict[str, list[str]] = {}
        self.log_filters: dict[str, list[dict[str, Any]]] = {}
        self.account_policies: list[dict[str, Any]] = []
        self.invoke_configs: dict[str, list[dict[str, Any]]] = {}
        self.recursion: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.buses: list[str] = ["default"]
        self.apis: dict[str, dict[str, Any]] = {}
        self.integrations: dict[str, dict[str, dict[str, Any]]] = {}
        self.routes: dict[str, dict[str, dict[str, Any]]] = {}
        self.rest_apis: dict[str, dict[str, Any]] = {}
        self.rest_resources: dict[str, dict[str, dict[str, Any]]] = {}

    def client(self, service: str) -> Any:
        """A client of a service."""
        return _Client(self, service)

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account."""
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    def answer(self, service: str, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a call."""
        key = (service, method)
        self.calls[f"{service}.{method}"] += 1
        if self.failures.get(key):
            raise refusal(self.failures[key].pop(0), method)
        if key in self.refused:
            raise refusal("AccessDeniedException", method)
        way: Callable[[Mapping[str, Any]], dict[str, Any]] = getattr(self, f"_{method}")
        return way(given)

    # -- lambda

    def _get_account_settings(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {"AccountUsage": {"FunctionCount": len(self.functions)}}

    def _list_functions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        most = min(given["MaxItems"], FUNCTIONS_PER_PAGE)
        return _page(self.functions, given, "Functions", most, "Marker", "NextMarker")

    def _get_function_configuration(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.functions, given["FunctionName"]))

    def _list_aliases(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _present(self.functions, given["FunctionName"])
        return {"Aliases": []}

    def _get_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "PolicyArn" in given:  # IAM's call of the same name
            policy = _present(self.managed, given["PolicyArn"], "NoSuchEntity")
            return {"Policy": policy}
        qualifier = given.get("Qualifier")
        key = f"{given['FunctionName']}:{qualifier}" if qualifier else given["FunctionName"]
        return {"Policy": _present(self.policies, key), "RevisionId": "1"}

    def _list_event_source_mappings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return _page(self.mappings, given, "EventSourceMappings", PER_PAGE, "Marker", "NextMarker")

    def _get_event_source_mapping(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.mappings, given["UUID"]))

    def _list_function_event_invoke_configs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"FunctionEventInvokeConfigs": self.invoke_configs.get(given["FunctionName"], [])}

    def _get_function_recursion_config(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"RecursiveLoop": self.recursion.get(given["FunctionName"], "Terminate")}

    def _list_function_url_configs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        host = f"{given['FunctionName']}.lambda-url.{REGION}.on.aws"
        return {"FunctionUrlConfigs": [{"FunctionUrl": f"https://{host}/"}]}

    def _list_tags(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Tags": self.tags.get(given["Resource"], {})}

    def _tagged(self, given: Mapping[str, Any]) -> dict[str, Any]:
        key = given["TagFilters"][0]["Key"]
        found = {
            arn: {"ResourceARN": arn, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
            for arn, tags in self.tags.items()
            if key in tags
        }
        return _page(
            found, given, "ResourceTagMappingList", PER_PAGE, "PaginationToken", "PaginationToken"
        )

    # -- iam

    def _get_account_summary(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {"SummaryMap": {"Roles": len(self.roles), "Policies": len(self.managed)}}

    def _get_account_authorization_details(self, given: Mapping[str, Any]) -> dict[str, Any]:
        both = {**self.managed, **self.roles}
        page = _page(both, given, "All", ROLES_PER_PAGE, "Marker", "Marker")
        entries = page.pop("All")
        return {
            **page,
            "Policies": [one for one in entries if "PolicyVersionList" in one],
            "RoleDetailList": [one for one in entries if "RoleName" in one],
        }

    def _get_role(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Role": self._role(given)}

    def _list_attached_role_policies(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"AttachedPolicies": self._role(given)["AttachedManagedPolicies"]}

    def _list_role_policies(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"PolicyNames": [one["PolicyName"] for one in self._role(given)["RolePolicyList"]]}

    def _get_role_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        policies = {one["PolicyName"]: one for one in self._role(given)["RolePolicyList"]}
        return dict(_present(policies, given["PolicyName"], "NoSuchEntity"))

    def _get_policy_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        policy = _present(self.managed, given["PolicyArn"], "NoSuchEntity")
        return {"PolicyVersion": policy["PolicyVersionList"][0]}

    def _role(self, given: Mapping[str, Any]) -> dict[str, Any]:
        by_name = {one["RoleName"]: one for one in self.roles.values()}
        role: dict[str, Any] = _present(by_name, given["RoleName"], "NoSuchEntity")
        return role

    # -- events, schedules, pipes

    def _list_event_buses(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "EventBuses": [
                {"Name": one, "Arn": self.arn("events", f"event-bus/{one}")} for one in self.buses
            ]
        }

    def _list_rules(self, given: Mapping[str, Any]) -> dict[str, Any]:
        bus = given["EventBusName"]
        rules = {key[1]: one for key, one in self.rules.items() if key[0] == bus}
        return _page(rules, given, "Rules", PER_PAGE, "NextToken", "NextToken")

    def _describe_rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.rules, (given["EventBusName"], given["Name"])))

    def _list_targets_by_rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Targets": _present(self.targets, (given["EventBusName"], given["Rule"]))}

    def _list_schedules(self, given: Mapping[str, Any]) -> dict[str, Any]:
        start = f":schedule/{given['GroupName']}/" if "GroupName" in given else ""
        listed = {key: one for key, one in self.schedules.items() if start in one["Arn"]}
        return _page(listed, given, "Schedules", PER_PAGE, "NextToken", "NextToken")

    def _get_schedule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.schedules, given["Name"]))

    def _list_pipes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return _page(self.pipes, given, "Pipes", PER_PAGE, "NextToken", "NextToken")

    def _describe_pipe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.pipes, given["Name"], "NotFoundException"))

    # -- s3, sns, sqs, logs

    def _list_buckets(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = {name: {"Name": name, "BucketRegion": REGION} for name in self.buckets}
        most = given["MaxBuckets"]
        return _page(names, given, "Buckets", most, "ContinuationToken", "ContinuationToken")

    def _get_bucket_notification_configuration(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.buckets, given["Bucket"], "NoSuchBucket"))

    def _get_bucket_replication(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(
            _present(self.replications, given["Bucket"], "ReplicationConfigurationNotFoundError")
        )

    def _list_subscriptions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return _page(self.subscriptions, given, "Subscriptions", PER_PAGE, "NextToken", "NextToken")

    def _get_subscription_attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Attributes": _present(self.subscriptions, given["SubscriptionArn"], "NotFound")}

    def _get_queue_attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Attributes": self.queues.get(given["QueueUrl"], {})}

    def _get_topic_attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = given["TopicArn"]
        return {"Attributes": {"Policy": self.resource_policies.get(arn, _default_policy(arn))}}

    def _get_bucket_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:s3:::{given['Bucket']}"
        return {"Policy": _present(self.resource_policies, arn, "NoSuchBucketPolicy")}

    def _get_resource_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = given.get("ResourceArn") or given["ResourceARN"]
        return {"Policy": _present(self.resource_policies, arn, "PolicyNotFoundException")}

    def _list_dead_letter_source_queues(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"queueUrls": self.dead_letter_sources.get(given["QueueUrl"], [])}

    def _describe_account_policies(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {"accountPolicies": self.account_policies}

    def _describe_subscription_filters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"subscriptionFilters": _present(self.log_filters, given["logGroupName"])}

    # -- state machines, Firehose

    def _list_state_machines(self, given: Mapping[str, Any]) -> dict[str, Any]:
        most = given["maxResults"]
        return _page(self.machines, given, "stateMachines", most, "nextToken", "nextToken")

    def _describe_state_machine(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_present(self.machines, given["stateMachineArn"], "StateMachineDoesNotExist"))

    def _list_delivery_streams(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = sorted(self.delivery_streams)
        start = given.get("ExclusiveStartDeliveryStreamName", "")
        rest = [one for one in names if one > start]
        most = given["Limit"]
        return {"DeliveryStreamNames": rest[:most], "HasMoreDeliveryStreams": len(rest) > most}

    def _describe_delivery_stream(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = given["DeliveryStreamName"]
        return {"DeliveryStreamDescription": _present(self.delivery_streams, name)}

    # -- API Gateway

    def _get_apis(self, given: Mapping[str, Any]) -> dict[str, Any]:
        most = int(given["MaxResults"])
        return _page(self.apis, given, "Items", most, "NextToken", "NextToken")

    def _get_integrations(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = _present(self.integrations, given["ApiId"], "NotFoundException")
        return _page(found, given, "Items", int(given["MaxResults"]), "NextToken", "NextToken")

    def _get_routes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = _present(self.routes, given["ApiId"], "NotFoundException")
        return _page(found, given, "Items", int(given["MaxResults"]), "NextToken", "NextToken")

    def _get_rest_apis(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return _page(self.rest_apis, given, "items", given["limit"], "position", "position")

    def _get_resources(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "restApiId" not in given:  # the tagging API's call of the same name
            return self._tagged(given)
        found = _present(self.rest_resources, given["restApiId"], "NotFoundException")
        return _page(found, given, "items", given["limit"], "position", "position")


class _Client:
    """A client: every method is a call of the account."""

    def __init__(self, account: PagedAccount, service: str) -> None:
        self._account = account
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        return lambda **given: self._account.answer(self._service, method, given)


def refusal(code: str, operation: str) -> ClientError:
    """The error that botocore raises for AWS's error with this code."""
    words = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/chart/x is refused by {operation}"
    return ClientError(
        {
            "Error": {"Code": code, "Message": words},
            "ResponseMetadata": {
                "HTTPStatusCode": 400,
                "RequestId": "1",
                "HostId": "1",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


def _default_policy(topic_arn: str) -> str:
    """What SNS gives a topic when it is created."""
    return json.dumps(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
                    "Resource": topic_arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
                }
            ],
        }
    )


def _present(things: Mapping[Any, Any], key: Any, code: str = "ResourceNotFoundException") -> Any:
    if key not in things:
        raise refusal(code, str(key))
    return things[key]


def _page(  # noqa: PLR0917 - the names of the API's parts, as its documentation lists them
    things: Mapping[str, Any],
    given: Mapping[str, Any],
    entries: str,
    most: int,
    ask: str,
    told: str,
) -> dict[str, Any]:
    start = int(given.get(ask) or 0)
    found = list(itertools.islice(things.values(), start, start + most))
    end = start + most
    return {entries: found} | ({told: str(end)} if end < len(things) else {})


# -- what is in it


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
