"""From templates to loops: what is certain, what is possible, and what nobody can rule out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdk_loopbreaker.templates.account.describe import describe_accounts
from cdk_loopbreaker.templates.model import Partial, Place, Resource, Templates, Unknown
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import Doubt, EdgeReason
from tests.unit.cdk_loopbreaker.templates.described import (
    AT,
    HOME,
    conclude,
    describe,
    function,
    loop,
    role,
)

if TYPE_CHECKING:
    from pathlib import Path

PARAMETERS = {"Name": {"Type": "String"}}
UNKNOWN = {"Parameters": PARAMETERS}
MAYBE = {"Conditions": {"Maybe": {"Fn::Equals": [{"Ref": "Name"}, "yes"]}}, **UNKNOWN}


def test_a_loop(tmp_path: Path) -> None:
    """Everything is declared: the loop is certain, and each edge has its place."""
    described = describe(tmp_path, loop())
    graph = build(described.account)

    assert dict(graph.proofs) == {"work": LoopProof.CERTAIN}
    assert (described.problems, described.account.gaps) == ((), ())
    trigger, write = graph.loops[0].edges
    places = [described.places[one] for one in (trigger.id, write.id, f"{write.id} {write.policy}")]
    assert [one.logical_id for one in places] == ["Mapping", "Role", "Role"]


@pytest.mark.parametrize("name", ["Queue", "Role", "Work", "Mapping"])
def test_behind_an_undecided_condition_nothing_is_certain(tmp_path: Path, name: str) -> None:
    """A loop through a resource that may not exist is possible."""
    resources = loop()
    resources[name]["Condition"] = "Maybe"

    graph = conclude(tmp_path, resources, **MAYBE)

    assert dict(graph.proofs) == {"work": LoopProof.POSSIBLE}


def test_a_policy_that_may_not_exist_allows_perhaps(tmp_path: Path) -> None:
    """The role is there, but not certainly what lets it write."""
    may = {"Effect": "Allow", "Action": "sqs:*", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
    document = {"Statement": [may]}
    policy = {
        "Type": "AWS::IAM::Policy",
        "Condition": "Maybe",
        "Properties": {
            "PolicyName": "send",
            "Roles": [{"Ref": "Role"}],
            "PolicyDocument": document,
        },
    }
    work = function(Environment={"Variables": {"QUEUE": {"Ref": "Queue"}}})

    graph = conclude(tmp_path, loop(Role=role(), Work=work, Policy=policy), **MAYBE)

    assert dict(graph.proofs) == {"work": LoopProof.POSSIBLE}
    assert graph.loops[0].edges[-1].detail == "depends on the condition of Policy"


def test_an_unknown_resource_is_never_certain(tmp_path: Path) -> None:
    """Not even where the environment names the queue, as it is certain with a wildcard."""
    work = function(Environment={"Variables": {"QUEUE": {"Ref": "Queue"}}})
    wildcard = role({"Action": "sqs:SendMessage", "Resource": "*"})
    unknown = role({"Action": "sqs:SendMessage", "Resource": {"Ref": "Name"}})

    certain = conclude(tmp_path, loop(Work=work, Role=wildcard), **UNKNOWN)
    possible = conclude(tmp_path, loop(Work=work, Role=unknown), **UNKNOWN)

    assert dict(certain.proofs) == {"work": LoopProof.CERTAIN}
    assert dict(possible.proofs) == {"work": LoopProof.POSSIBLE}


@pytest.mark.parametrize(
    ("source", "target"),
    [({"Ref": "Name"}, {"Ref": "Work"}), ({"Fn::GetAtt": ["Queue", "Arn"]}, {"Ref": "Name"})],
)
def test_half_a_mapping_is_said_and_rules_nothing_out(
    tmp_path: Path, source: Any, target: Any
) -> None:
    """What feeds the function, or what the queue feeds, is not known."""
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": target, "EventSourceArn": source},
    }

    described = describe(tmp_path, loop(Mapping=mapping), **UNKNOWN)

    assert dict(build(described.account).proofs) == {"work": LoopProof.UNKNOWN}
    (problem,) = described.problems
    assert problem.words.startswith("Mapping: the ")
    assert problem.place is not None
    assert problem.place.logical_id == "Mapping"


@pytest.mark.parametrize(
    "resource", [f"arn:aws:sqs:{HOME}:others", {"Fn::Sub": f"arn:aws:sqs:{HOME}:${{Name}}"}]
)
def test_what_is_not_declared_is_not_ruled_out(tmp_path: Path, resource: Any) -> None:
    """A queue of another stack may lead back; one that is read from is no matter."""
    may = {"Resource": resource}
    writes = {"Role": role({"Action": "sqs:SendMessage", **may}), "Work": function()}
    reads = {"Role": role({"Action": "sqs:ReceiveMessage", **may}), "Work": function()}

    assert dict(conclude(tmp_path, writes, **UNKNOWN).doubts) == {"work": (Doubt.RESOURCE,)}
    assert dict(conclude(tmp_path, reads, **UNKNOWN).proofs) == {"work": LoopProof.RULED_OUT}


@pytest.mark.parametrize("imported", [{"Ref": "Name"}, "arn:aws:iam::123456789012:role/other"])
def test_a_role_that_is_not_declared_may_do_anything(tmp_path: Path, imported: Any) -> None:
    """Nothing is known of an imported role."""
    described = describe(tmp_path, {"Work": function(Role=imported)}, **UNKNOWN)

    assert dict(build(described.account).doubts) == {"work": (Doubt.ROLE,)}
    (problem,) = described.problems
    assert problem.words.startswith("Work: its role ")


def test_a_policy_for_an_imported_role_counts(tmp_path: Path) -> None:
    """What a template adds to an imported role makes a loop possible: a Deny may be missing."""
    document = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
            }
        ]
    }
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyName": "send", "Roles": ["other"], "PolicyDocument": document},
    }
    work = function(Role="arn:aws:iam::123456789012:role/other")

    graph = conclude(tmp_path, loop(Work=work, Policy=policy))

    assert dict(graph.proofs) == {"work": LoopProof.POSSIBLE}


def test_managed_policies(tmp_path: Path) -> None:
    """One of AWS, one of the template, one that nobody knows: that leaves the role incomplete."""
    of_aws = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    own = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": {
                "Statement": [
                    {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"},
                ]
            }
        },
    }
    unheard = "arn:aws:iam::aws:policy/NotInventedYet"

    def prove(*arns: Any) -> LoopProof:
        resources = loop(Role=role(ManagedPolicyArns=list(arns)), Own=own)
        return conclude(tmp_path, resources).proofs["work"]

    assert prove(of_aws) is LoopProof.POSSIBLE
    assert prove(of_aws, {"Ref": "Own"}) is LoopProof.RULED_OUT
    assert prove(unheard) is LoopProof.UNKNOWN
    described = describe(tmp_path, loop(Role=role(ManagedPolicyArns=[unheard])))
    assert [one.words for one in described.problems] == [
        f"Role: managed policy {unheard} is not known here"
    ]


def notify(bucket: Any, **configuration: Any) -> dict[str, Any]:
    """What the CDK makes of notifications of a bucket."""
    entry = {
        "LambdaFunctionArn": {"Fn::GetAtt": ["Work", "Arn"]},
        "Events": ["s3:ObjectCreated:*"],
        **configuration,
    }
    return {
        "Type": "Custom::S3BucketNotifications",
        "Properties": {
            "ServiceToken": f"arn:aws:lambda:{HOME}:function:handler",
            "BucketName": bucket,
            "NotificationConfiguration": {"LambdaFunctionConfigurations": [entry]},
            "Managed": False,
        },
    }


def test_bucket_notifications_of_the_cdk(tmp_path: Path) -> None:
    """A custom resource configures them, of a bucket that may be imported."""
    may_put = role({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::pictures/*"})
    filtered = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}

    def prove(bucket: Any, **configuration: Any) -> LoopProof:
        resources = {
            "Role": may_put,
            "Work": function(),
            "Notify": notify(bucket, **configuration),
        }
        return conclude(tmp_path, resources, **UNKNOWN).proofs["work"]

    assert prove("pictures") is LoopProof.CERTAIN
    assert prove("pictures", Filter=filtered) is LoopProof.POSSIBLE
    assert prove("others") is LoopProof.UNKNOWN  # both buckets are of somebody else
    assert prove({"Ref": "Name"}) is LoopProof.UNKNOWN


def test_an_unknown_filter_lets_pass_what_it_may(tmp_path: Path) -> None:
    """A mapping, a subscription, a rule: with an unknown filter the loop is possible."""
    pattern = {"source": ["orders"], "detail": {"kind": [{"Ref": "Name"}]}}
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": pattern,
            "Targets": [{"Id": "1", "Arn": {"Fn::GetAtt": ["Work", "Arn"]}}],
        },
    }
    may_put = role(
        {"Action": "events:PutEvents", "Resource": f"arn:aws:events:{HOME}:event-bus/default"}
    )

    graph = conclude(tmp_path, {"Role": may_put, "Work": function(), "Rule": rule}, **UNKNOWN)

    assert dict(graph.proofs) == {"work": LoopProof.POSSIBLE}
    resources = loop()
    criteria = {"Filters": [{"Pattern": {"Ref": "Name"}}]}
    resources["Mapping"]["Properties"]["FilterCriteria"] = criteria
    (mapped,) = conclude(tmp_path, resources, **UNKNOWN).loops
    assert mapped.edges[0].reason is EdgeReason.FILTER_UNREADABLE


@pytest.mark.parametrize(
    ("limits", "copies"),
    [
        ({}, "/*"),
        ({"Prefix": "in/"}, "/in/*"),
        ({"Filter": {"Prefix": "in/"}}, "/in/*"),
        ({"Filter": {"Prefix": {"Ref": "Name"}}}, ""),
        ({"Filter": {"TagFilter": {"Key": "copy", "Value": "yes"}}}, ""),
        ({"Filter": {"And": {"Prefix": "in/", "TagFilters": []}}}, ""),
    ],
)
def test_what_a_replication_copies(tmp_path: Path, limits: dict[str, Any], copies: str) -> None:
    """All objects, those with a prefix, or some of which nobody knows which."""
    rule = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::copies"}, **limits}
    told = {"BucketName": "own", "ReplicationConfiguration": {"Rules": [rule]}}

    (bucket,) = describe(
        tmp_path, {"Own": {"Type": "AWS::S3::Bucket", "Properties": told}}, **UNKNOWN
    ).account.buckets

    assert bucket.replicates_to == (f"arn:aws:s3:::copies{copies}",)


def test_destinations_of_an_alias_count(tmp_path: Path) -> None:
    """They are certain only where nothing else than the alias is invoked."""
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "orders"}},
        "Role": role({"Action": "sns:Publish", "Resource": {"Ref": "Topic"}}),
        "Work": function(),
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "Work"}, "FunctionVersion": "1", "Name": "live"},
        },
        "Config": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Work"},
                "Qualifier": "live",
                "DestinationConfig": {"OnSuccess": {"Destination": {"Ref": "Topic"}}},
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "lambda",
                "Endpoint": {"Ref": "Alias"},
            },
        },
    }

    graph = conclude(tmp_path, resources)

    assert graph.proofs["work"] is LoopProof.POSSIBLE
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Alias"},
            "Action": "lambda:InvokeFunction",
            "Principal": "sns.amazonaws.com",
            "SourceArn": {"Ref": "Topic"},
        },
    }
    graph = conclude(tmp_path, {**resources, "Permission": permission})
    assert graph.proofs["work"] is LoopProof.CERTAIN


def test_a_definition_with_unknown_parts(tmp_path: Path) -> None:
    """What a state invokes is not known: whatever its role may invoke."""
    definition = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": {"Ref": "Name"}},
                "End": True,
            }
        },
    }
    resources = {
        "Role": role(
            {"Action": "states:StartExecution", "Resource": {"Ref": "Machine"}},
            {"Action": "lambda:InvokeFunction", "Resource": f"arn:aws:lambda:{HOME}:function:work"},
        ),
        "Work": function(),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "StateMachineName": "orders",
                "Definition": definition,
            },
        },
    }

    graph = conclude(tmp_path, resources, **UNKNOWN)

    (through_machine,) = [one for one in graph.loops if len(one.edges) == 2]
    assert [edge.label for edge in through_machine.edges] == ["InvokeFunction", "StartExecution"]
    assert through_machine.certainty.value == "possible"


def place(name: str) -> Place:
    """Where a resource of a made-up template is."""
    return Place(file="app.yaml", line=1, stack="app", logical_id=name)


def test_each_account_and_region_is_described() -> None:
    """Roles are those of the whole account, everything else is of one Region."""
    resources = [
        Resource(
            type=kind,
            stack="app",
            logical_id=name,
            properties={"Role": "arn:aws:iam::1:role/Role"},
            ref=name,
            arn=f"arn:aws:{service}:{name}",
            place=place(name),
            account="1",
            region=region,
        )
        for kind, name, service, region in (
            ("AWS::IAM::Role", "Role", "iam::1:role/Role", "us-east-1"),
            ("AWS::Lambda::Function", "east", "lambda:us-east-1:1:function", "us-east-1"),
            ("AWS::Lambda::Function", "west", "lambda:us-west-2:1:function", "us-west-2"),
        )
    ]

    found = describe_accounts(Templates(resources=tuple(resources)), at=AT)

    assert [
        (one.account.region, [own.name for own in one.account.functions], len(one.account.roles))
        for one in found
    ] == [("us-east-1", ["east"], 1), ("us-west-2", ["west"], 1)]


WORDS = (
    *("Arn", "BucketName", "Targets", "Statement", "Endpoint", "Protocol", "TopicArn", "Roles"),
    *("FunctionName", "EventSourceArn", "Policies", "PolicyDocument", "RedrivePolicy", "Filters"),
    *("NotificationConfiguration", "EventPattern", "FilterCriteria", "DestinationConfig", "Body"),
    *("Source", "Target", "SourceParameters", "Definition", "DefinitionString", "Queues"),
    *("ExtendedS3DestinationConfiguration", "ProcessingConfiguration", "Processors", "Role"),
    *("ReplicationConfiguration", "Rules", "paths", "/", "get", "Environment", "Variables"),
    *("Resource", "Action", "Effect", "Principal", "Condition", "Tags", "Events", "Filter"),
)
TYPES = (
    *("AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"),
    *("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Url", "AWS::IAM::Role", "AWS::IAM::Policy"),
    *("AWS::IAM::ManagedPolicy", "AWS::S3::Bucket", "Custom::S3BucketNotifications"),
    *("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SNS::Topic", "AWS::SNS::Subscription"),
    *("AWS::Events::Rule", "AWS::Events::EventBusPolicy", "AWS::Scheduler::Schedule"),
    *("AWS::Pipes::Pipe", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"),
    *("AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy", "AWS::ApiGateway::Method"),
    *("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Api"),
    *("AWS::KinesisFirehose::DeliveryStream", "AWS::StepFunctions::StateMachine"),
    "AWS::ElasticLoadBalancingV2::TargetGroup",
)
LEAVES = (
    *("", "*", "lambda", "sns.amazonaws.com", "Allow", "sqs:SendMessage", "true", "{", "[]"),
    *(f"arn:aws:sqs:{HOME}:orders", f"arn:aws:lambda:{HOME}:function:work:live", "arn:aws:lambda"),
    *("arn:aws:s3:::pictures", "work", "SUBSCRIPTION_FILTER_POLICY", "arn:::::"),
    *(Unknown("parameter Name"), Partial(("arn:aws:s3:::", Unknown("parameter Name")))),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(LEAVES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=25,
)
PROPERTIES = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6)


@pytest.mark.thorough
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TYPES), PROPERTIES), max_size=6))
def test_whatever_a_template_says_is_described(told: list[tuple[str, Any]]) -> None:
    """Properties of any shape make an account, and the account makes a graph."""
    resources = tuple(
        Resource(
            type=kind,
            stack="app",
            logical_id=f"R{number}",
            properties=properties,
            ref=("work", "orders")[number % 2],
            arn=(f"arn:aws:lambda:{HOME}:function:work", f"arn:aws:sqs:{HOME}:orders", "")[
                number % 3
            ],
            place=place(f"R{number}"),
            account="123456789012",
            region="us-east-1",
            is_certain=number != 1,
        )
        for number, (kind, properties) in enumerate(told)
    )

    for described in describe_accounts(Templates(resources=resources), at=AT):
        build(described.account)
