"""A reading as a whole: what it finds, what it costs, and that it may be stopped anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader, in_threads
from functions.aws.account.inventory import build_account
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.account.inventory import ACCOUNT_POLICIES, Area, Gap
from tests.examples import examples

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SIZE = 40
NAMES = ("orders-00000", "orders-00001")


def begun() -> f.Facts:
    """Facts in which there is nothing yet."""
    return f.begin(ACCOUNT, REGION, "aws", NOW)


def reader(aws: PagedAccount, *, calls: int | None = None, **given: Any) -> AccountReader:
    """A reader without rest; after `calls` calls its time is up."""
    asker = ReadClient(
        aws.client,
        RateLimiter({}),
        retry=replace(READS, sleep=lambda _: None),
        is_time_up=lambda: calls is not None and asker.calls.total() >= calls,
    )
    return AccountReader(
        asker, suspects=lambda _: NAMES, **({"side_by_side": run_one_by_one} | given)
    )


def whole(aws: PagedAccount) -> Account:
    """The account as one undisturbed reading tells it."""
    account = reader(aws).read(begun())
    assert account is not None
    return account


def test_reads_everything() -> None:
    """Of everything that there is, something is in the account."""
    account = whole(grown(SIZE))

    assert len(account.functions) == SIZE
    assert account.gaps == ()
    for name in account.__slots__:
        if name not in {"gaps", "log_subscriptions", "undecided"}:
            assert getattr(account, name), name


def test_takes_few_calls() -> None:
    """One call a function, and a few lists."""
    aws = grown(200)
    whole(aws)

    assert aws.calls["lambda.get_policy"] == 200
    assert aws.calls.total() <= 2.2 * 200


def test_threads_read_the_same() -> None:
    """Calls side by side and one after the other tell the same."""
    together = reader(grown(SIZE), side_by_side=in_threads).read(begun())

    assert together is not None
    assert together == whole(grown(SIZE))


@settings(max_examples=examples(40), deadline=None)
@given(calls=st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_may_be_stopped_anywhere(calls: list[int]) -> None:
    """However often a reading is stopped, in the end it has read everything once."""
    aws, facts = grown(SIZE), begun()
    for most in calls:
        if reader(aws, calls=most).read(facts) is not None:
            break
    account = reader(aws).read(facts)

    assert account is not None
    assert account == whole(grown(SIZE))
    assert aws.calls["lambda.get_policy"] == SIZE


@pytest.mark.parametrize(
    ("call", "area", "action"),
    [
        (("lambda", "list_functions"), Area.FUNCTIONS, "lambda:ListFunctions"),
        (("lambda", "get_policy"), Area.POLICIES, "lambda:GetPolicy"),
        (
            ("lambda", "list_event_source_mappings"),
            Area.MAPPINGS,
            "lambda:ListEventSourceMappings",
        ),
        (
            ("iam", "get_account_authorization_details"),
            Area.ROLES,
            "iam:GetAccountAuthorizationDetails",
        ),
        (("s3", "list_buckets"), Area.BUCKETS, "s3:ListAllMyBuckets"),
        (
            ("s3", "get_bucket_notification_configuration"),
            Area.BUCKETS,
            "s3:GetBucketNotification",
        ),
        (("sns", "list_subscriptions"), Area.TOPICS, "sns:ListSubscriptions"),
        (
            ("sns", "get_subscription_attributes"),
            Area.TOPICS,
            "sns:GetSubscriptionAttributes",
        ),
        (("events", "list_rules"), Area.RULES, "events:ListRules"),
        (("events", "list_targets_by_rule"), Area.RULES, "events:ListTargetsByRule"),
        (("scheduler", "list_schedules"), Area.SCHEDULES, "scheduler:ListSchedules"),
        (("pipes", "list_pipes"), Area.PIPES, "pipes:ListPipes"),
        (
            ("stepfunctions", "describe_state_machine"),
            Area.STATE_MACHINES,
            "states:DescribeStateMachine",
        ),
        (
            ("firehose", "list_delivery_streams"),
            Area.DELIVERY_STREAMS,
            "firehose:ListDeliveryStreams",
        ),
        (("resourcegroupstaggingapi", "get_resources"), Area.TAGS, "tag:GetResources"),
        (
            ("sqs", "list_dead_letter_source_queues"),
            Area.QUEUES,
            "sqs:ListDeadLetterSourceQueues",
        ),
    ],
)
def test_what_may_not_be_asked_is_one_gap(call: tuple[str, str], area: Area, action: str) -> None:
    """A missing permission is told once, by its name, and everything else is read all the same."""
    aws = grown(SIZE)
    aws.refused.add(call)
    account = whole(aws)

    whole_areas = [gap for gap in account.gaps if not gap.resource]
    assert [(gap.area, gap.action) for gap in whole_areas] == [(area, action)]
    assert not account.sees(area)
    assert aws.calls[f"{call[0]}.{call[1]}"] <= 3
    if area is not Area.FUNCTIONS:
        assert len(account.functions) == SIZE


def test_policies_that_could_not_be_read_are_unknown() -> None:
    """Without GetPolicy nobody says that a function has no resource policy."""
    aws = grown(SIZE)
    aws.refused.add(("lambda", "get_policy"))

    assert not any(one.is_policy_known for one in whole(aws).functions)


def test_throttling_makes_it_slower_not_poorer() -> None:
    """A call that is throttled now and then is tried again."""
    aws = grown(SIZE)
    aws.failures["lambda", "get_policy"] = ["TooManyRequestsException", "ServiceException"] * 2

    assert whole(aws) == whole(grown(SIZE))


def test_one_thing_that_aws_does_not_tell_is_a_gap_of_its_own() -> None:
    """A failure that stays is told with the one thing it is about."""
    aws = grown(SIZE)
    aws.failures["events", "list_targets_by_rule"] = ["ServiceException"] * 5
    (gap,) = whole(aws).gaps

    assert (gap.area, gap.action) == (Area.RULES, "")
    assert gap.resource.endswith("rule/rule-1")


def test_things_that_are_deleted_meanwhile_are_left_out() -> None:
    """What a list named and is gone when asked for is no gap."""
    aws = grown(SIZE)
    del aws.targets["default", "rule-1"]
    aws.failures["s3", "get_bucket_notification_configuration"] = ["NoSuchBucket"]
    account = whole(aws)

    assert account.gaps == ()
    assert len(account.buckets) == len(whole(grown(SIZE)).buckets) - 1
    assert [one.targets for one in account.rules if one.name == "rule-1"] == [()]


def test_an_entry_that_cannot_be_read_hides_no_other() -> None:
    """A malformed answer is a gap with the name of the thing, the rest is read."""
    aws = grown(SIZE)
    aws.functions["orders-00003"] = {"FunctionName": "orders-00003"}
    aws.machines[next(iter(aws.machines))].pop("definition")
    account = whole(aws)

    assert len(account.functions) == SIZE - 1
    assert {gap.area for gap in account.gaps} == {Area.FUNCTIONS, Area.STATE_MACHINES}
    assert all("cannot be read" in gap.words and gap.resource for gap in account.gaps)


def test_malformed_policies_are_left_to_the_graph() -> None:
    """A policy that is no JSON is handed on as it is."""
    aws = grown(SIZE)
    aws.policies["orders-00002"] = '{"Statement": [}'
    (found,) = (one for one in whole(aws).functions if one.name == "orders-00002")

    assert found.resource_policies == {"": '{"Statement": [}'}


def test_an_encrypted_filter_is_unknown() -> None:
    """Filter criteria under a key of the customer do not count as no filter."""
    aws = grown(SIZE)
    uuid = next(iter(aws.mappings))
    aws.mappings[uuid] |= {"FilterCriteria": None, "KMSKeyArn": "arn:aws:kms:us-east-1:1:key/a"}
    (found,) = (one for one in whole(aws).mappings if one.uuid == uuid)

    assert (found.is_filter_known, found.filters) == (False, ())


def test_policies_of_versions_are_read_where_a_trigger_names_one() -> None:
    """The policy of an alias takes a call only where something invokes the alias."""
    aws = grown(SIZE)
    alias = aws.arn("lambda", "function:orders-00004:live")
    aws.targets["default", "rule-1"] = [{"Id": "1", "Arn": alias}]
    aws.policies["orders-00004:live"] = '{"Statement": []}'
    (found,) = (one for one in whole(aws).functions if one.name == "orders-00004")

    assert found.resource_policies["live"] == '{"Statement": []}'
    assert aws.calls["lambda.get_policy"] == SIZE + 1


@pytest.mark.parametrize(
    ("principal", "is_kept"),
    [
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, True),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/orders"]}, True),
        ({"AWS": "*"}, True),
        ("*", True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"Service": "ec2.amazonaws.com"}, False),
        ({"Federated": "accounts.example.com"}, False),
    ],
)
def test_roles_that_functions_may_assume_are_kept(principal: Any, is_kept: bool) -> None:  # noqa: FBT001
    """With their trust policies, where these name somebody of the account."""
    aws = grown(SIZE)
    arn = f"arn:aws:iam::{ACCOUNT}:role/writer"
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    aws.roles[arn] = {
        "RoleName": "writer",
        "Arn": arn,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
    }
    found = whole(aws).roles.get(arn)

    assert is_kept is (found is not None)
    if found is not None:
        assert json.loads(found.trust)["Statement"]["Principal"] == principal


def test_dead_letters_of_subscriptions_and_pipes_are_read() -> None:
    """They come with what is asked for anyway."""
    aws = grown(SIZE)
    queue = aws.arn("sqs", "failed")
    redrive = json.dumps({"deadLetterTargetArn": queue})
    arn = next(key for key, one in aws.subscriptions.items() if one["Protocol"] == "lambda")
    aws.subscriptions[arn]["RedrivePolicy"] = redrive
    name = next(iter(aws.pipes))
    aws.pipes[name]["SourceParameters"] = {
        "DynamoDBStreamParameters": {"DeadLetterConfig": {"Arn": queue}}
    }
    account = whole(aws)

    assert [one.arn for one in account.subscriptions if one.dead_letter_arn == queue] == [arn]
    assert [one.dead_letter_arn for one in account.pipes].count(queue) == 1


def test_visibility_timeouts_are_read_with_the_policy() -> None:
    """A queue that is polled tells its visibility timeout, or it stays unknown."""
    aws = grown(SIZE)
    base = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    aws.queues[f"{base}/work-0"] = {"VisibilityTimeout": "45"}
    seconds = {one.arn: one.visibility_seconds for one in whole(aws).queues}

    assert seconds[aws.arn("sqs", "work-0")] == 45
    assert seconds[aws.arn("sqs", "work-1")] is None


def listening(aws: PagedAccount) -> tuple[str, str]:
    """A function that CloudWatch Logs may invoke: the log group, and the function's ARN."""
    group = "/aws/lambda/orders-00005"
    target = aws.arn("lambda", "function:orders-00005")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": target,
        "Condition": {"ArnLike": {"AWS:SourceArn": aws.arn("logs", f"log-group:{group}:*")}},
    }
    aws.policies["orders-00005"] = json.dumps({"Statement": [statement]})
    aws.log_filters[group] = [
        {"filterName": "all", "destinationArn": target, "filterPattern": "", "logGroupName": group}
    ]
    return group, target


def test_log_groups_that_a_policy_names_are_asked_for() -> None:
    """A function that CloudWatch Logs may invoke has the subscriptions of that group read."""
    aws = grown(SIZE)
    group, target = listening(aws)
    (found,) = whole(aws).log_subscriptions

    assert (found.log_group, found.destination_arn) == (group, target)
    assert aws.calls["logs.describe_subscription_filters"] == 1


def test_one_refusal_hides_no_other_subscription() -> None:
    """Where the account's subscription may not be asked for, those of log groups still are."""
    aws = grown(SIZE)
    group, _ = listening(aws)
    aws.refused.add(("logs", "describe_account_policies"))
    account = whole(aws)

    (gap,) = account.gaps
    assert (gap.area, gap.resource, gap.action) == (
        Area.LOGS,
        ACCOUNT_POLICIES,
        "logs:DescribeAccountPolicies",
    )
    assert [one.log_group for one in account.log_subscriptions] == [group]
    assert not account.sees_account_policies
    assert whole(grown(SIZE)).sees_account_policies


def test_log_groups_are_not_asked_for_where_no_subscription_can_be() -> None:
    """Without a policy or a role for CloudWatch Logs no log group takes a call."""
    aws = grown(SIZE)
    whole(aws)

    assert aws.calls["logs.describe_subscription_filters"] == 0


LIVE = "function:orders-00004:live"


def http_api(aws: PagedAccount, *routes: tuple[str, str], **integration: Any) -> None:
    """An HTTP API with these routes, and one integration: i."""
    aws.apis["shop"] = {"ApiId": "shop", "Name": "shop", "ProtocolType": "HTTP"}
    aws.integrations["shop"] = {
        "i": {"IntegrationId": "i", "IntegrationUri": aws.arn("lambda", LIVE), **integration}
    }
    aws.routes["shop"] = {
        key: {"RouteKey": key, "Target": f"integrations/{target}"} for key, target in routes
    }


def integrations(account: Account, api: str) -> list[tuple[str, str, str]]:
    """What the integrations of an API lead to, the calls they are of, and with which role."""
    return [
        (one.function_arn, one.source_arn.partition(f":{api}/")[2], one.role_arn)
        for found in account.apis
        if found.arn.endswith(f":execute-api:{REGION}:{ACCOUNT}:{api}")
        for one in found.integrations
    ]


def test_the_routes_of_an_http_api() -> None:
    """Routes tell the calls; an integration that none leads to is not used."""
    aws = grown(SIZE)
    http_api(aws, ("ANY /orders/{id}", "i"), ("$default", "i"), ("GET /other", "elsewhere"))
    account = whole(aws)

    arn = aws.arn("lambda", LIVE)
    assert integrations(account, "shop") == [
        (arn, "*/$default", ""),
        (arn, "*/*/orders/*", ""),
    ]
    assert [one.function_arns for one in account.apis if one.arn.endswith(":shop")] == [(arn,)]


def test_an_integration_without_a_route_is_left_out() -> None:
    """Nobody can call what no route leads to."""
    aws = grown(SIZE)
    http_api(aws)

    assert integrations(whole(aws), "shop") == []


def test_the_policy_of_an_alias_that_an_api_invokes_is_read() -> None:
    """Without it nobody could say whether the alias admits the API."""
    aws = grown(SIZE)
    http_api(aws, ("$default", "i"))
    aws.policies["orders-00004:live"] = '{"Statement": []}'
    (found,) = (one for one in whole(aws).functions if one.name == "orders-00004")

    assert found.resource_policies["live"] == '{"Statement": []}'


def test_an_integration_with_a_role_keeps_it() -> None:
    """It does not need the resource policy."""
    aws = grown(SIZE)
    http_api(aws, ("$default", "i"), CredentialsArn="arn:aws:iam::123456789012:role/api")

    assert [role for _, _, role in integrations(whole(aws), "shop")] == [
        "arn:aws:iam::123456789012:role/api"
    ]


def test_the_methods_of_a_rest_api() -> None:
    """Methods that lead to functions are read, on all pages, and no others."""
    aws = grown(SIZE)
    arn = aws.arn("lambda", "function:orders-00004")
    prefix = f"arn:aws:apigateway:{REGION}:"

    def method(uri: str, **more: str) -> dict[str, Any]:
        return {"methodIntegration": {"type": "AWS_PROXY", "uri": f"{prefix}{uri}", **more}}

    invoke = "lambda:path/2015-03-31/functions/{}/invocations"
    aws.rest_apis["desk"] = {"id": "desk"}
    aws.rest_resources["desk"] = {f"r{n}": {"id": f"r{n}", "path": f"/r{n}"} for n in range(500)}
    aws.rest_resources["desk"]["last"] = {
        "id": "last",
        "path": "/orders/{proxy+}",
        "resourceMethods": {
            "ANY": method(invoke.format(arn)),
            "GET": method(invoke.format(f"{arn}:live"), credentials="arn:aws:iam::1:role/api"),
            "PUT": method("dynamodb:action/PutItem"),
            "POST": method(invoke.format(f"{arn}:${{stageVariables.alias}}")),
            "OPTIONS": {"methodIntegration": {"type": "MOCK"}},
            "HEAD": {},
        },
    }

    assert integrations(whole(aws), "desk") == [
        (arn, "*/*/orders/*", ""),
        (f"{arn}:live", "*/GET/orders/*", "arn:aws:iam::1:role/api"),
    ]


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (("apigatewayv2", "get_apis"), "HTTP and WebSocket APIs"),
        (("apigatewayv2", "get_integrations"), "HTTP and WebSocket APIs"),
        (("apigatewayv2", "get_routes"), "HTTP and WebSocket APIs"),
        (("apigateway", "get_rest_apis"), "REST APIs"),
        (("apigateway", "get_resources"), "REST APIs"),
    ],
)
def test_apis_that_may_not_be_read_hide_no_function_url(call: tuple[str, str], part: str) -> None:
    """A refusal is a gap of these APIs only: resource policies and URLs are of the same area."""
    aws = grown(200)
    aws.policies["orders-00003"] = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl"}]}
    )
    aws.refused.add(call)
    account = whole(aws)

    assert (Area.APIS, part, "apigateway:GET") in {
        (gap.area, gap.resource, gap.action) for gap in account.gaps
    }
    assert account.sees(Area.APIS)
    assert any(one.kind == "url" and one.url for one in account.apis)


def test_apis_are_asked_for_within_the_budget() -> None:
    """What is left of the calls is asked for, and a gap tells how many APIs were not."""
    aws = grown(SIZE)
    for number in range(200):
        aws.rest_apis[f"more{number}"] = {"id": f"more{number}"}
        aws.rest_resources[f"more{number}"] = {}
    gaps = whole(aws).gaps

    assert 0 < aws.calls["apigateway.get_resources"] < 200
    assert aws.calls.total() <= 200
    assert "further REST APIs" in {gap.resource for gap in gaps if gap.area is Area.APIS}


def test_says_what_it_did_not_ask_for() -> None:
    """What is good to know is asked for within the budget of calls; the rest is told."""
    aws = grown(200)
    role = next(iter(aws.roles.values()))
    role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] = "logs.amazonaws.com"
    account = whole(aws)

    assert 0 < aws.calls["logs.describe_subscription_filters"] < 200
    assert aws.calls.total() <= 440
    assert (Area.LOGS, "further log groups that nothing names") in {
        (one.area, one.resource) for one in account.gaps
    }
    assert account.sees(Area.LOGS)


def test_replication_is_asked_for_where_a_role_replicates() -> None:
    """A role for S3 that names a bucket has the replication of that bucket read."""
    aws = grown(SIZE)
    name = "replicator"
    aws.roles[f"arn:aws:iam::{ACCOUNT}:role/{name}"] = {
        "RoleName": name,
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "AssumeRolePolicyDocument": {
            "Statement": [{"Principal": {"Service": "s3.amazonaws.com"}, "Effect": "Allow"}]
        },
        "RolePolicyList": [
            {
                "PolicyName": "p",
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["s3:GetReplicationConfiguration", "s3:ReplicateObject"],
                            "Resource": "arn:aws:s3:::bucket-0",
                        }
                    ]
                },
            }
        ],
        "AttachedManagedPolicies": [],
    }
    target = "arn:aws:s3:::bucket-2"
    rule = {"Status": "Enabled", "Destination": {"Bucket": target}}
    aws.replications["bucket-0"] = {"ReplicationConfiguration": {"Rules": [rule]}}
    (found,) = (one for one in whole(aws).buckets if one.name == "bucket-0")

    assert found.replicates_to == (target,)
    assert aws.calls["s3.get_bucket_replication"] == 1


def test_an_attached_policy_that_the_listing_lacks_is_read_by_itself() -> None:
    """Whether AWS lists its own policies or not, the role is complete."""
    aws = grown(SIZE)
    listed = dict(aws.managed)
    (basic,) = (arn for arn in listed if arn.endswith("/AWSLambdaBasicExecutionRole"))

    def listing(given: Any) -> dict[str, Any]:
        hidden = aws.managed.pop(basic)
        page = PagedAccount._get_account_authorization_details(aws, given)
        aws.managed[basic] = hidden
        return page

    aws._get_account_authorization_details = listing  # type: ignore[method-assign]
    account = whole(aws)

    assert all(role.is_complete for role in account.roles.values())
    assert aws.calls["iam.get_policy_version"] == 1


def test_a_role_whose_policy_cannot_be_read_is_incomplete() -> None:
    """What is missing of a role may allow or deny: the role says so."""
    aws = grown(SIZE)
    aws.roles[f"arn:aws:iam::{ACCOUNT}:role/orders-00001-role"]["AttachedManagedPolicies"] = [
        {"PolicyName": "gone", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/gone"}
    ]
    account = whole(aws)
    incomplete = [one.arn for one in account.roles.values() if not one.is_complete]

    assert incomplete == [f"arn:aws:iam::{ACCOUNT}:role/orders-00001-role"]


def test_an_hour_later_only_lists_and_new_things_are_read() -> None:
    """Details that are known are carried over; what is new is asked for, what is gone forgotten."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    aws.calls.clear()
    new = dict(aws.functions["orders-00000"], FunctionName="new")
    new["FunctionArn"] = aws.arn("lambda", "function:new")
    aws.functions["new"] = new
    del aws.functions["orders-00009"]
    later = f.begin(ACCOUNT, REGION, "aws", NOW, carried_from=facts)
    account = reader(aws).read(later)

    assert account is not None
    assert (account) == whole(aws)
    assert aws.calls["lambda.get_policy"] == 1 + SIZE  # the new one, then the whole reading
    assert "orders-00009" not in later.of(f.POLICIES)


# -- changes: afterwards the account is what a new reading finds


def retarget(aws: PagedAccount) -> Change:
    """A rule gets another target."""
    aws.targets["default", "rule-1"] = [{"Id": "1", "Arn": aws.arn("sqs", "elsewhere")}]
    return Change(kind=ChangeKind.RULE, name="default|rule-1")


def new_rule(aws: PagedAccount) -> Change:
    """A rule is made."""
    aws.rules["default", "n"] = {
        "Name": "n",
        "Arn": aws.arn("events", "rule/n"),
        "State": "ENABLED",
        "EventPattern": "{}",
    }
    aws.targets["default", "n"] = [{"Id": "1", "Arn": aws.arn("lambda", "function:orders-00001")}]
    return Change(kind=ChangeKind.RULE, name="default|n")


def no_rule(aws: PagedAccount) -> Change:
    """A rule is deleted."""
    del aws.rules["default", "rule-1"]
    del aws.targets["default", "rule-1"]
    return Change(kind=ChangeKind.RULE, name="default|rule-1")


def new_function(aws: PagedAccount) -> Change:
    """A function is made, with a role of its own."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/new-role"
    aws.roles[arn] = dict(next(iter(aws.roles.values())), RoleName="new-role", Arn=arn)
    aws.functions["new"] = dict(
        aws.functions["orders-00000"],
        FunctionName="new",
        FunctionArn=aws.arn("lambda", "function:new"),
        Role=arn,
    )
    aws.policies["new"] = '{"Statement": []}'
    return Change(kind=ChangeKind.FUNCTION, name="new")


def no_function(aws: PagedAccount) -> Change:
    """A function is deleted."""
    del aws.functions["orders-00001"]
    return Change(kind=ChangeKind.FUNCTION, name="orders-00001")


def new_tagged_function(aws: PagedAccount) -> Change:
    """A function is created with the word that its loop is meant to be, among other tags."""
    change = new_function(aws)
    arn = aws.functions[change.name]["FunctionArn"]
    aws.tags[arn] = {"loopbreaker:accepted-loop": "it ends", "team": "orders"}
    return change


def permission(aws: PagedAccount) -> Change:
    """A function's resource policy changes."""
    aws.policies["orders-00001"] = '{"Statement": [{"Sid": "new"}]}'
    return Change(kind=ChangeKind.PERMISSION, name="orders-00001")


def mapping(aws: PagedAccount) -> Change:
    """A mapping is disabled."""
    uuid = next(iter(aws.mappings))
    aws.mappings[uuid]["State"] = "Disabled"
    return Change(kind=ChangeKind.MAPPING, name=uuid)


def no_mapping(aws: PagedAccount) -> Change:
    """A mapping is deleted."""
    uuid = next(iter(aws.mappings))
    del aws.mappings[uuid]
    return Change(kind=ChangeKind.MAPPING, name=uuid)


def role(aws: PagedAccount) -> Change:
    """A role gets another policy."""
    told = aws.roles[f"arn:aws:iam::{ACCOUNT}:role/orders-00001-role"]
    told["RolePolicyList"] = [{"PolicyName": "other", "PolicyDocument": {"Statement": []}}]
    return Change(kind=ChangeKind.ROLE, name="orders-00001-role")


def managed(aws: PagedAccount) -> Change:
    """A managed policy gets another version."""
    (arn,) = (one for one in aws.managed if one.endswith("/AWSLambdaBasicExecutionRole"))
    aws.managed[arn]["PolicyVersionList"] = [
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": {"Statement": []}}
    ]
    return Change(kind=ChangeKind.POLICY, name=arn)


def bucket(aws: PagedAccount) -> Change:
    """A bucket's notifications change."""
    aws.buckets["bucket-0"] = {"EventBridgeConfiguration": {}}
    return Change(kind=ChangeKind.BUCKET, name="bucket-0")


def no_bucket(aws: PagedAccount) -> Change:
    """A bucket is deleted."""
    del aws.buckets["bucket-0"]
    return Change(kind=ChangeKind.BUCKET_GONE, name="bucket-0")


def subscription(aws: PagedAccount) -> Change:
    """A subscription gets a filter policy."""
    arn = next(one for one, told in aws.subscriptions.items() if told["Protocol"] == "lambda")
    aws.subscriptions[arn]["FilterPolicy"] = '{"a": ["b"]}'
    return Change(kind=ChangeKind.SUBSCRIPTION, name=arn)


def no_subscription(aws: PagedAccount) -> Change:
    """A subscription is deleted."""
    arn = next(one for one, told in aws.subscriptions.items() if told["Protocol"] == "lambda")
    del aws.subscriptions[arn]
    return Change(kind=ChangeKind.SUBSCRIPTION, name=arn)


def destinations(aws: PagedAccount) -> Change:
    """A function gets destinations."""
    aws.invoke_configs["orders-00001"] = [
        {
            "FunctionArn": aws.arn("lambda", "function:orders-00001:$LATEST"),
            "DestinationConfig": {"OnSuccess": {"Destination": aws.arn("sqs", "work-1")}},
        }
    ]
    return Change(kind=ChangeKind.DESTINATIONS, name="orders-00001")


def recursion(aws: PagedAccount) -> Change:
    """A function is allowed to loop."""
    aws.recursion["orders-00001"] = "Allow"
    return Change(kind=ChangeKind.RECURSION, name="orders-00001")


def tags(aws: PagedAccount) -> Change:
    """A loop is accepted."""
    arn = aws.arn("lambda", "function:orders-00001")
    aws.tags[arn] = {"loopbreaker:accepted-loop": "it ends", "other": "x"}
    return Change(kind=ChangeKind.TAGS, name="all")


def schedule(aws: PagedAccount) -> Change:
    """A schedule is disabled."""
    aws.schedules["s0"]["State"] = "DISABLED"
    return Change(kind=ChangeKind.SCHEDULE, name="default|s0")


def no_schedule(aws: PagedAccount) -> Change:
    """A schedule is deleted."""
    del aws.schedules["s0"]
    return Change(kind=ChangeKind.SCHEDULE, name="default|s0")


def pipe(aws: PagedAccount) -> Change:
    """A pipe gets a filter."""
    criteria = {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}
    aws.pipes["pipe-0"]["SourceParameters"] = criteria
    return Change(kind=ChangeKind.PIPE, name="pipe-0")


def machine(aws: PagedAccount) -> Change:
    """A state machine gets another definition."""
    arn = next(iter(aws.machines))
    aws.machines[arn]["definition"] = "{}"
    return Change(kind=ChangeKind.MACHINE, name=arn)


def no_machine(aws: PagedAccount) -> Change:
    """A state machine is deleted."""
    arn = next(iter(aws.machines))
    del aws.machines[arn]
    return Change(kind=ChangeKind.MACHINE_GONE, name=arn)


def stream(aws: PagedAccount) -> Change:
    """A Firehose stream gets a function that transforms its records."""
    parameter = {"ParameterName": "LambdaArn", "ParameterValue": aws.arn("lambda", "function:t")}
    aws.delivery_streams["delivery-0"]["Destinations"][0]["ExtendedS3DestinationDescription"] |= {
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [{"Type": "Lambda", "Parameters": [parameter]}],
        }
    }
    return Change(kind=ChangeKind.STREAM, name="delivery-0")


def no_stream(aws: PagedAccount) -> Change:
    """A Firehose stream is deleted."""
    del aws.delivery_streams["delivery-0"]
    return Change(kind=ChangeKind.STREAM_GONE, name="delivery-0")


def queue(aws: PagedAccount) -> Change:
    """A queue sends its dead letters to one that is polled."""
    base = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    aws.dead_letter_sources[f"{base}/work-0"] = [f"{base}/first"]
    return Change(
        kind=ChangeKind.QUEUE,
        name=f"{aws.arn('sqs', 'first')}|{aws.arn('sqs', 'work-0')}",
    )


def route(aws: PagedAccount) -> Change:
    """A route of an API leads elsewhere."""
    aws.integrations["api0"]["i0"]["IntegrationUri"] = aws.arn("lambda", "function:orders-00009")
    return Change(kind=ChangeKind.API, name="api0")


CHANGES = [
    route,
    retarget,
    new_rule,
    no_rule,
    new_function,
    new_tagged_function,
    no_function,
    permission,
    mapping,
    no_mapping,
    role,
    managed,
    bucket,
    no_bucket,
    subscription,
    no_subscription,
    destinations,
    recursion,
    tags,
    schedule,
    no_schedule,
    pipe,
    machine,
    no_machine,
    stream,
    no_stream,
    queue,
]


@pytest.mark.parametrize("alter", CHANGES, ids=lambda one: one.__name__)
def test_a_change_is_worked_in(alter: Any) -> None:
    """After a change the account is what a new reading finds, in fewer than 20 calls."""
    aws, facts = grown(SIZE), begun()
    before = reader(aws).read(facts)
    change = alter(aws)
    aws.calls.clear()
    after = reader(aws).work_in([change], facts)
    calls = aws.calls.total()

    assert after is not None
    assert after == whole(aws)
    assert after != before
    assert calls < 20


def test_a_change_that_may_not_be_read_keeps_what_was_known() -> None:
    """A refusal leaves the account as it was, with a gap beside it."""
    aws, facts = grown(SIZE), begun()
    before = reader(aws).read(facts)
    aws.refused.add(("events", "describe_rule"))
    after = reader(aws).work_in([Change(kind=ChangeKind.RULE, name="default|rule-1")], facts)

    assert before is not None
    assert after is not None
    assert after.rules == before.rules
    assert [(gap.area, gap.resource, gap.action) for gap in after.gaps] == [
        (Area.RULES, "default|rule-1", "events:DescribeRule")
    ]


def test_a_gap_is_taken_back_once_it_is_closed() -> None:
    """What can be read again is no gap any more."""
    aws, facts = grown(SIZE), begun()
    change = Change(kind=ChangeKind.RULE, name="default|rule-1")
    reader(aws).read(facts)
    aws.refused.add(("events", "describe_rule"))
    reader(aws).work_in([change], facts)
    aws.refused.clear()
    after = reader(aws).work_in([change], facts)

    assert after is not None
    assert after.gaps == ()


def test_the_gap_of_an_account_that_says_nothing() -> None:
    """Who may ask nothing gets an account with a gap for every list, and no error."""
    aws = grown(3)
    aws.refused |= {
        (service, method.removeprefix("_"))
        for method in dir(PagedAccount)
        if method.startswith(("_list", "_get", "_describe"))
        for service in (
            "lambda",
            "iam",
            "events",
            "scheduler",
            "pipes",
            "s3",
            "sns",
            "sqs",
            "logs",
            "stepfunctions",
            "firehose",
            "resourcegroupstaggingapi",
            "apigateway",
            "apigatewayv2",
        )
    }
    account = whole(aws)

    assert account.functions == ()
    assert all(isinstance(gap, Gap) and gap.action for gap in account.gaps)
    assert not account.sees(Area.FUNCTIONS)


def test_accounts_of_the_same_facts_are_equal() -> None:
    """Putting the account together twice gives the same."""
    facts = begun()
    reader(grown(SIZE)).read(facts)

    assert build_account(facts) == build_account(facts)


# -- environment variables


def named(account: Account, name: str) -> set[str]:
    """What the environment of a function is known to name, without the table that all name."""
    (found,) = (one for one in account.functions if one.name == name)
    return {one.resource for one in found.environment.references if ":table/" not in one.resource}


def with_queue(aws: PagedAccount) -> Change:
    """A queue gets a reader, by which it becomes known."""
    aws.mappings["late"] = {
        "UUID": "late",
        "FunctionArn": aws.arn("lambda", "function:orders-00001"),
        "EventSourceArn": aws.arn("sqs", "late-queue"),
        "State": "Enabled",
    }
    return Change(kind=ChangeKind.MAPPING, name="late")


def with_variable(aws: PagedAccount) -> Change:
    """A variable of a function begins to name a queue, by its bare name."""
    aws.functions["orders-00003"]["Environment"] = {"Variables": {"TARGET": "late-queue"}}
    return Change(kind=ChangeKind.FUNCTION, name="orders-00003")


@pytest.mark.parametrize(
    "order",
    [(with_queue, with_variable), (with_variable, with_queue)],
    ids=["resource first", "variable first"],
)
def test_what_a_variable_names_is_found_in_either_order(order: Any) -> None:
    """A resource that becomes known later is found in variables that were read before."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    for alter in order:
        account = reader(aws).work_in([alter(aws)], facts)

    assert account is not None
    assert named(account, "orders-00003") == {aws.arn("sqs", "late-queue")}


def test_what_comes_back_is_found_again() -> None:
    """A resource that is deleted and made again is found in variables that never changed."""
    aws, facts = grown(SIZE), begun()
    with_queue(aws)
    with_variable(aws)
    reader(aws).read(facts)
    mapping = aws.mappings.pop("late")
    gone = reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)
    aws.mappings["late"] = mapping
    again = reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)

    assert gone is not None
    assert again is not None
    assert named(again, "orders-00003") == {aws.arn("sqs", "late-queue")}


def test_all_variables_are_read_again_by_a_list() -> None:
    """A new resource takes one more call for each fifty functions, and a known one none."""
    aws, facts = grown(120), begun()
    reader(aws).read(facts)
    aws.calls.clear()
    reader(aws).work_in([with_queue(aws)], facts)
    first = aws.calls["lambda.list_functions"]
    aws.calls.clear()
    reader(aws).work_in([Change(kind=ChangeKind.MAPPING, name="late")], facts)

    assert (first, aws.calls["lambda.list_functions"]) == (3, 0)


def test_variables_that_cannot_be_read_again_are_a_gap() -> None:
    """Where the list is refused the second time, the account says so and names nothing."""
    aws, facts = grown(SIZE), begun()
    reader(aws).read(facts)
    aws.refused.add(("lambda", "list_functions"))
    account = reader(aws).work_in([with_queue(aws)], facts)

    assert account is not None
    assert [(one.area, one.resource) for one in account.gaps] == [
        (Area.FUNCTIONS, "environment variables")
    ]
    assert named(account, "orders-00003") == set()


@pytest.mark.parametrize(
    "environment",
    [
        {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS"}},
        {"Variables": None},
        {"Variables": "hunter2"},
        {"Variables": {"TARGET": 7}},
        None,
    ],
)
def test_variables_that_aws_does_not_show_name_nothing(environment: Any) -> None:
    """A key that may not be used, or any other shape, leaves the function as it is."""
    aws = grown(SIZE)
    with_queue(aws)
    aws.functions["orders-00003"]["Environment"] = environment
    account = whole(aws)

    assert account.gaps == ()
    assert named(account, "orders-00003") == set()
