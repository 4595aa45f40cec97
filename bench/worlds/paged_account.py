"""An account that answers like AWS: in pages, through clients with botocore's names of the calls.

It runs in this process and takes no time, so that what a reading of it costs is the reading's own.
The mix of things in it is that of an account which grew for years: most functions are called by
something, few by a loop, and there are fewer roles, rules and buckets than functions.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
# AWS's own limits of a page.
FUNCTIONS_PER_PAGE: Final = 50
ROLES_PER_PAGE: Final = 100
PER_PAGE: Final = 100


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
