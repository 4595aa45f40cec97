"""A reading as a whole: what it finds, what it costs, and that it may be stopped anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from functions.aws.account.account_reader import in_threads
from functions.domain.account.inventory import ACCOUNT_POLICIES, Area
from functions.domain.diagnosis.collection.failure_metrics import query_rule_failures
from tests.examples import examples
from tests.unit.aws.account.reading import SIZE, begun, reader, whole


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


@pytest.mark.thorough
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
    tagged = {"Prefix": "tagged/", "Tags": [{"Key": "copy", "Value": "yes"}]}
    rules = [
        rule,
        {**rule, "Filter": {"Prefix": "in/"}},
        {**rule, "Prefix": "old/"},
        {**rule, "Filter": {"And": tagged}},
        {**rule, "Prefix": "off/", "Status": "Disabled"},
    ]
    aws.replications["bucket-0"] = {"ReplicationConfiguration": {"Rules": rules}}
    (found,) = (one for one in whole(aws).buckets if one.name == "bucket-0")

    # Which objects have a tag is not known: the bucket alone says so.
    assert found.replicates_to == (f"{target}/*", f"{target}/in/*", f"{target}/old/*", target)
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


def test_the_rules_of_a_partner_event_bus_are_read() -> None:
    """The name of such a bus has slashes."""
    aws = grown(SIZE)
    bus = "aws.partner/shop.example/tenant/logs"
    aws.buses.append(bus)
    arn = aws.arn("events", f"rule/{bus}/sold")
    aws.rules[bus, "sold"] = {"Name": "sold", "Arn": arn, "EventPattern": "{}"}
    aws.targets[bus, "sold"] = [{"Id": "1", "Arn": aws.arn("lambda", "function:orders-00000")}]

    account = whole(aws)

    (found,) = (one for one in account.rules if one.arn == arn)
    assert found.bus_arn == aws.arn("events", f"event-bus/{bus}")
    assert [one.id for one in found.targets] == ["1"]
    assert query_rule_failures(found).dimensions[0] == ("EventBusName", bus)
