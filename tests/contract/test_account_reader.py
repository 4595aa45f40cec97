"""The reader of an account, with real clients, on a local AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.runtime import clients
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.account.environment_references import Reference
from sandbox.scenarios.provision import package_code

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account
    from sandbox.local_aws import LocalAws

ACCOUNT = "123456789012"
REGION = "us-east-1"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"


def lambda_arn(name: str) -> str:
    """ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def role(aws: LocalAws, name: str, statement: dict[str, Any]) -> str:
    """A role that functions may take on, with one inline policy."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    iam = aws.client("iam")
    arn: str = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        ),
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="writes",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return arn


def function(aws: LocalAws, name: str, role_arn: str, **given: Any) -> None:
    """A function that does nothing."""
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role_arn,
        Handler="index.handler",
        Code={"ZipFile": package_code("def handler(event, context): return None")},
        **given,
    )


def admit(aws: LocalAws, name: str, service: str, source: str, qualifier: str = "") -> None:
    """Let a service invoke a function."""
    aws.client("lambda").add_permission(
        FunctionName=name,
        StatementId=f"{service}-{qualifier or 'any'}",
        Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com",
        SourceArn=source,
        **({"Qualifier": qualifier} if qualifier else {}),
    )


def reader() -> AccountReader:
    """A reader in no hurry and with no rest."""
    return AccountReader(
        ReadClient(clients.make_reading_client, RateLimiter({})), suspects=lambda _: ["orders"]
    )


def begun() -> f.Facts:
    """Facts of this account in which there is nothing yet."""
    return f.begin(ACCOUNT, REGION, "aws", NOW)


@pytest.fixture(scope="module")
def peopled(shared_aws: LocalAws) -> LocalAws:
    """An account in which something of everything is."""
    aws = shared_aws
    aws.reset()  # of what other tests have left
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"
    writes = {"Sid": "Write", "Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}
    arn = role(aws, "orders-role", writes)
    function(
        aws,
        "orders",
        arn,
        Environment={"Variables": {"TABLE_NAME": "orders", "PASSWORD": "hunter2"}},
        DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
        Tags={"loopbreaker:accepted-loop": "it ends by itself"},
    )
    function(aws, "images", arn)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="orders",
        DestinationConfig={"OnSuccess": {"Destination": lambda_arn("images")}},
    )
    streams = aws.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    sqs = aws.client("sqs")
    for name in ("dead", "work"):
        sqs.create_queue(QueueName=name)
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="work")["QueueUrl"],
        Attributes={
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
                    "maxReceiveCount": 3,
                }
            )
        },
    )
    lambda_ = aws.client("lambda")
    lambda_.create_event_source_mapping(
        FunctionName="orders",
        EventSourceArn=streams["LatestStreamArn"],
        StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
    )
    lambda_.create_event_source_mapping(
        FunctionName="images", EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    )
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="uploads")
    admit(aws, "images", "s3", "arn:aws:s3:::uploads")
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "Id": "new",
                    "LambdaFunctionArn": lambda_arn("images"),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "input/"}]}},
                }
            ],
            "EventBridgeConfiguration": {},
        },
    )
    topic = aws.client("sns").create_topic(Name="orders-topic")["TopicArn"]
    subscription = aws.client("sns").subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=lambda_arn("images"), ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    aws.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}'
    )
    events = aws.client("events")
    events.create_event_bus(Name="shop")
    events.put_rule(Name="paid", EventBusName="shop", EventPattern='{"source": ["shop"]}')
    events.put_targets(
        Rule="paid", EventBusName="shop", Targets=[{"Id": "1", "Arn": lambda_arn("orders")}]
    )
    http = aws.client("apigatewayv2")
    api = http.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    integration = http.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=lambda_arn("orders"),
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    http.create_route(ApiId=api, RouteKey="GET /shop", Target=f"integrations/{integration}")
    rest = aws.client("apigateway")
    desk = rest.create_rest_api(name="desk")["id"]
    root = rest.get_resources(restApiId=desk)["items"][0]["id"]
    path = rest.create_resource(restApiId=desk, parentId=root, pathPart="desk")["id"]
    method = {"restApiId": desk, "resourceId": path, "httpMethod": "ANY"}
    rest.put_method(**method, authorizationType="NONE")
    rest.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/"
        f"{lambda_arn('images')}/invocations",
    )
    return aws


@pytest.fixture(scope="module")
def account(peopled: LocalAws) -> Account:
    """The account as it is read."""
    read = reader().read(begun())
    assert read is not None
    return read


@pytest.mark.thorough
def test_a_function_with_all_that_belongs_to_it(account: Account) -> None:
    """Configuration, environment, tag, destinations and dead letters are joined."""
    (found,) = (one for one in account.functions if one.name == "orders")

    assert found.arn == lambda_arn("orders")
    assert found.role_arn == f"arn:aws:iam::{ACCOUNT}:role/orders-role"
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"
    assert found.environment.references == (Reference(variable="TABLE_NAME", resource=table),)
    assert found.tags == {"loopbreaker:accepted-loop": "it ends by itself"}
    assert found.dead_letter_arn.endswith(":dead")
    assert found.on_success_arn == lambda_arn("images")
    assert found.log_group == "/aws/lambda/orders"
    assert found.recursive_loop == "Terminate"
    assert found.is_policy_known


def test_a_role_with_its_policy_as_json(account: Account) -> None:
    """The policy is JSON, whatever encoding it travels in."""
    (policy,) = account.roles[f"arn:aws:iam::{ACCOUNT}:role/orders-role"].policies

    assert policy.name == "writes"
    assert json.loads(policy.text)["Statement"][0]["Sid"] == "Write"


def test_mappings_with_their_filters(account: Account) -> None:
    """A stream's mapping has its filter, and its source names the table."""
    (found,) = (one for one in account.mappings if ":dynamodb:" in one.source_arn)

    assert found.function_arn == lambda_arn("orders")
    assert [json.loads(one) for one in found.filters] == [{"eventName": ["INSERT"]}]
    assert ":table/orders/stream/" in found.source_arn


def test_a_bucket_with_its_notifications(account: Account) -> None:
    """Prefix and EventBridge configuration are read."""
    (found,) = (one for one in account.buckets if one.name == "uploads")
    (notification,) = found.notifications

    assert found.has_event_bridge
    assert (notification.target_arn, notification.prefix) == (lambda_arn("images"), "input/")
    assert notification.events == ("s3:ObjectCreated:*",)


def test_a_subscription_with_its_filter(account: Account) -> None:
    """A subscription of a function has its filter policy."""
    (found,) = (one for one in account.subscriptions if one.endpoint == lambda_arn("images"))

    assert found.topic_arn.endswith(":orders-topic")
    assert json.loads(found.filter_policy) == {"a": ["b"]}


def test_a_rule_of_another_bus_with_its_target(account: Account) -> None:
    """Rules of every bus are read, with their targets."""
    (found,) = (one for one in account.rules if one.name == "paid")

    assert found.bus_arn == f"{BUS}/shop"
    assert json.loads(found.pattern) == {"source": ["shop"]}
    assert [one.arn for one in found.targets] == [lambda_arn("orders")]


def test_apis_with_what_they_lead_to(account: Account) -> None:
    """Routes of an HTTP API and methods of a REST API are read, though no policy admits them."""
    found = {
        (one.source_arn.partition("/")[2], one.function_arn)
        for api in account.apis
        for one in api.integrations
    }

    assert found == {
        ("*/GET/shop", lambda_arn("orders")),
        ("*/*/desk", lambda_arn("images")),
    }


def test_a_queue_whose_dead_letters_are_polled(account: Account) -> None:
    """The queue is found from its dead-letter queue, which a function polls."""
    found = [(one.arn.rpartition(":")[2], one.dead_letter_arn) for one in account.queues]

    assert found == [("dead", ""), ("work", f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead")]


def test_nothing_is_missing(account: Account) -> None:
    """Every list and every question was answered."""
    assert account.gaps == ()


def test_a_resource_policy(account: Account) -> None:
    """The resource policy is the unqualified function's."""
    (found,) = (one for one in account.functions if one.name == "images")

    assert "arn:aws:s3:::uploads" in found.resource_policies[""]


def test_a_change_is_worked_in(peopled: LocalAws, account: Account) -> None:
    """After a change only what it touched is read again, and the account is as a new reading."""
    facts = begun()
    reader().read(facts)
    writes = {"Sid": "More", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    peopled.client("iam").put_role_policy(
        RoleName="orders-role",
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [writes]}),
    )
    asker = ReadClient(clients.make_reading_client, RateLimiter({}))
    changed = AccountReader(asker, suspects=lambda _: ["orders"]).work_in(
        [Change(kind=ChangeKind.ROLE, name="orders-role")], facts
    )
    peopled.client("iam").delete_role_policy(RoleName="orders-role", PolicyName="more")

    assert changed is not None
    names = [one.name for one in changed.roles[f"arn:aws:iam::{ACCOUNT}:role/orders-role"].policies]
    assert sorted(names) == ["more", "writes"]
    assert asker.calls.total() <= 6
    assert {action.partition(":")[0] for action in asker.calls} == {"iam"}
