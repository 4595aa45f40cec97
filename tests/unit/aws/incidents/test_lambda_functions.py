from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.incidents.function_triggers import pushed_by
from functions.aws.incidents.lambda_functions import LambdaFunctions
from functions.aws.runtime.retry import CHANGES
from functions.domain.changes.steps import EventSourceMapping, VersionScaling
from functions.domain.detection.evidence import FunctionFacts, FunctionKind, Trigger, TriggerKind
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    MappingNotFoundError,
    ProvisionedConcurrencyError,
    RefusedError,
    VersionNotFoundError,
)
from tests.unit.aws.stubs import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.domain.errors import LoopbreakerError
    from tests.unit.aws.stubs import Script

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
UUID = "00000000-0000-4000-8000-000000000001"
MINIMUM = (
    "Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [100]."
)


@pytest.fixture
def script() -> Iterator[Script]:
    """Lambda, as it is to answer."""
    yield from scripts("lambda")


@pytest.fixture
def tagging() -> Iterator[Script]:
    """The tagging API, as it is to answer."""
    yield from scripts("resourcegroupstaggingapi")


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were made."""
    return []


@pytest.fixture
def functions(script: Script, tagging: Script, pauses: list[float]) -> LambdaFunctions:
    """The adapter."""
    return LambdaFunctions(
        script.client, lambda: tagging.client, retry=replace(CHANGES, sleep=pauses.append)
    )


def test_one_call_tells_everything(functions: LambdaFunctions, script: Script) -> None:
    """Configuration, tags, reservation and dead-letter queue come from one GetFunction."""
    script.answer(
        "get_function",
        {
            "Configuration": {
                "FunctionName": "orders",
                "FunctionArn": ARN,
                "MemorySize": 512,
                "Timeout": 30,
                "Architectures": ["arm64"],
                "DeadLetterConfig": {"TargetArn": QUEUE},
                "LastModified": "2026-03-09T08:00:00.000+0000",
            },
            "Tags": {"team": "orders"},
            "Concurrency": {"ReservedConcurrentExecutions": 0},
        },
        FunctionName="orders",
    )

    assert functions.describe("orders") == FunctionFacts(
        name="orders",
        arn=ARN,
        memory_mb=512,
        timeout_seconds=30,
        architecture="arm64",
        reserved_concurrency=0,
        tags={"team": "orders"},
        async_target_arn=QUEUE,
        last_modified=datetime(2026, 3, 9, 8, tzinfo=UTC),
    )


def _bare() -> dict[str, Any]:
    return {"FunctionName": "orders", "FunctionArn": ARN, "MemorySize": 128, "Timeout": 3}


def test_absent_fields_are_not_invented(functions: LambdaFunctions, script: Script) -> None:
    """What AWS leaves out is nothing reserved, no tags, no dead-letter queue, no date."""
    script.answer("get_function", {"Configuration": {**_bare(), "LastModified": "?"}})

    facts = functions.describe("orders")

    assert facts.reserved_concurrency is None
    assert (dict(facts.tags), facts.async_target_arn, facts.last_modified) == ({}, "", None)


PROVIDER = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:pool"


def _on_instances() -> dict[str, Any]:
    """The configuration of a function on Lambda Managed Instances."""
    return {
        "Configuration": {
            **_bare(),
            "CapacityProviderConfig": {
                "LambdaManagedInstancesCapacityProviderConfig": {
                    "CapacityProviderArn": PROVIDER,
                    "PerExecutionEnvironmentMaxConcurrency": 10,
                    "ExecutionEnvironmentMemoryGiBPerVCpu": 4.0,
                }
            },
        }
    }


def test_reads_the_scaling_of_every_version_with_instances(
    functions: LambdaFunctions, script: Script
) -> None:
    """Only a function on Lambda Managed Instances is asked about, by its own versions alone."""
    script.answer("get_function", _on_instances())
    arns = (f"{ARN}:7", f"{ARN}-2:7", f"{ARN}:$LATEST.PUBLISHED", ARN)
    script.answer(
        "list_function_versions_by_capacity_provider",
        {
            "CapacityProviderArn": PROVIDER,
            "FunctionVersions": [{"FunctionArn": one, "State": "Active"} for one in arns],
        },
        CapacityProviderName=PROVIDER,
    )
    script.answer(
        "get_function_scaling_config",
        {
            "FunctionArn": ARN,
            "AppliedFunctionScalingConfig": {"MinExecutionEnvironments": 1},
            "RequestedFunctionScalingConfig": {"MinExecutionEnvironments": 3},
        },
        FunctionName="orders",
        Qualifier="$LATEST.PUBLISHED",
    )
    script.answer(
        "get_function_scaling_config",
        {
            "RequestedFunctionScalingConfig": {
                "MinExecutionEnvironments": 0,
                "MaxExecutionEnvironments": 0,
            }
        },
        FunctionName="orders",
        Qualifier="7",
    )

    facts = functions.describe("orders")

    assert facts.kind is FunctionKind.MANAGED_INSTANCES
    assert facts.scaling == (
        VersionScaling(qualifier="$LATEST.PUBLISHED", minimum=3, maximum=None),
        VersionScaling(qualifier="7", minimum=0, maximum=0),
    )
    assert not facts.is_stopped


def test_a_scaling_that_cannot_be_read_is_unknown(
    functions: LambdaFunctions, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The function is described all the same: people are told that it cannot be stopped."""
    script.answer("get_function", _on_instances())
    script.refuse("list_function_versions_by_capacity_provider", "AccessDeniedException")

    facts = functions.describe("orders")

    assert (facts.kind, facts.scaling) == (FunctionKind.MANAGED_INSTANCES, ())
    assert "scaling unknown" in caplog.text


@pytest.mark.parametrize(
    ("minimum", "maximum", "config"),
    [
        (0, 0, {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}),
        (3, None, {"MinExecutionEnvironments": 3}),
        (None, None, {}),
    ],
)
def test_scales_a_version(
    functions: LambdaFunctions,
    script: Script,
    minimum: int | None,
    maximum: int | None,
    config: dict[str, int],
) -> None:
    """Both numbers go together; one that was Lambda's default is left out."""
    script.answer(
        "put_function_scaling_config",
        {"FunctionState": "Deactivating"},
        FunctionName="orders",
        Qualifier="7",
        FunctionScalingConfig=config,
    )

    functions.scale("orders", VersionScaling(qualifier="7", minimum=minimum, maximum=maximum))


def test_a_missing_version_is_no_missing_function(
    functions: LambdaFunctions, script: Script
) -> None:
    """AWS says the same of both, and only the latter ends an incident."""
    script.refuse("get_function_scaling_config", "ResourceNotFoundException", status=404)
    script.answer("get_function", {"Configuration": _bare()})
    with pytest.raises(VersionNotFoundError):
        functions.scaling("orders", "7")

    script.refuse("put_function_scaling_config", "ResourceNotFoundException", status=404)
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    with pytest.raises(FunctionNotFoundError):
        functions.scale("orders", VersionScaling(qualifier="7", minimum=0, maximum=0))


def test_knows_durable_functions_and_those_with_tenants(
    functions: LambdaFunctions, script: Script
) -> None:
    """Executions of the former go on; a reservation counts for all tenants together."""
    durable = {"RetentionPeriodInDays": 7, "ExecutionTimeout": 3600}
    script.answer("get_function", {"Configuration": {**_bare(), "DurableConfig": durable}})
    tenants = {"TenantIsolationMode": "PER_TENANT"}
    script.answer("get_function", {"Configuration": {**_bare(), "TenancyConfig": tenants}})

    first, second = functions.describe("orders"), functions.describe("orders")

    assert (first.is_durable, first.kind) == (True, FunctionKind.STANDARD)
    assert (second.is_durable, second.kind) == (False, FunctionKind.STANDARD)


def test_unknown_tags_are_logged(
    functions: LambdaFunctions, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Tags that AWS could not read are none, and that is said in the log."""
    failure = {"ErrorCode": "AccessDeniedException", "Message": f"{'not authorized':<84}"}
    script.answer("get_function", {"Configuration": _bare(), "TagsError": failure})

    assert functions.describe("orders").tags == {}
    assert "tags unknown" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (("InvalidParameterValueException", MINIMUM, 400), InvalidValueError),
        (
            (
                "InvalidParameterValueException",
                "ReservedConcurrentExecutions cannot be lower than provisioned concurrency",
                400,
            ),
            ProvisionedConcurrencyError,
        ),
        (
            (
                "InvalidParameterValueException",
                "The Provisioned Concurrency Configs of this function add up to more",
                400,
            ),
            ProvisionedConcurrencyError,
        ),
        (("ResourceNotFoundException", "Function not found", 404), FunctionNotFoundError),
        (("AccessDeniedException", "explicit deny", 403), RefusedError),
        (("TooManyRequestsException", "Rate exceeded", 429), BusyError),
        (("ServiceException", "internal", 500), BusyError),
        (("SomethingNew", "on our side", 503), BusyError),
    ],
)
def test_errors_in_the_words_of_the_domain(
    functions: LambdaFunctions,
    script: Script,
    refusal: tuple[str, str, int],
    error: type[LoopbreakerError],
) -> None:
    """Each refusal becomes the domain's error, with AWS's own words."""
    code, words, status = refusal
    script.refuse("put_function_concurrency", code, words, status)

    with pytest.raises(error) as raised:
        functions.reserve("orders", 0)

    assert type(raised.value) is error
    assert str(raised.value) == f"orders: {code}: {words}"
    assert raised.value.__cause__ is not None


def test_conflicts_are_waited_for(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """A reservation that something else is in the way of is tried again."""
    script.refuse("put_function_concurrency", "ResourceConflictException", status=409)
    script.refuse("put_function_concurrency", "ResourceConflictException", status=409)
    script.answer("put_function_concurrency", FunctionName="orders", ReservedConcurrentExecutions=0)

    functions.reserve("orders", 0)

    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_conflicts_are_not_waited_for_forever(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """After six attempts within seconds the function is busy."""
    for _ in range(6):
        script.refuse("delete_function_concurrency", "ResourceConflictException", status=409)

    with pytest.raises(BusyError, match=r"ResourceConflictException: .* \(tried 6 times\)"):
        functions.unreserve("orders")

    assert len(pauses) == 5
    assert sum(pauses) < 12


def test_a_mapping_in_use_is_waited_for(functions: LambdaFunctions, script: Script) -> None:
    """A mapping that is still changing takes the switch a little later."""
    script.refuse("update_event_source_mapping", "ResourceInUseException")
    script.answer("update_event_source_mapping", UUID=UUID, Enabled=False)

    functions.switch_mapping(UUID, enabled=False)


@pytest.mark.parametrize(("maximum", "config"), [(5, {"MaximumConcurrency": 5}), (None, {})])
def test_limits_a_mapping(
    functions: LambdaFunctions, script: Script, maximum: int | None, config: dict[str, int]
) -> None:
    """One that is in use is waited for; an empty configuration removes the limit."""
    script.refuse("update_event_source_mapping", "ResourceInUseException")
    script.answer("update_event_source_mapping", UUID=UUID, ScalingConfig=config)

    functions.limit_mapping(UUID, maximum)


def test_a_missing_alias_is_no_missing_function(functions: LambdaFunctions, script: Script) -> None:
    """AWS's "not found" for an alias does not pass for the function's."""
    script.refuse("put_provisioned_concurrency_config", "ResourceNotFoundException", status=404)
    script.answer("get_function", FunctionName="orders")

    with pytest.raises(VersionNotFoundError, match="orders:live"):
        functions.put_provisioned("orders", "live", 5)


def test_knows_whether_an_alias_is_there(functions: LambdaFunctions, script: Script) -> None:
    """One that is gone is told from a function that is."""
    script.answer("get_function", FunctionName="orders", Qualifier="live")
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    script.answer("get_function", FunctionName="orders")
    script.refuse("get_function", "ResourceNotFoundException", status=404)
    script.refuse("get_function", "ResourceNotFoundException", status=404)

    assert functions.has_version("orders", "live")
    assert not functions.has_version("orders", "live")
    with pytest.raises(FunctionNotFoundError):
        functions.has_version("orders", "live")


def test_provisioned_concurrency_that_is_gone(functions: LambdaFunctions, script: Script) -> None:
    """Removing what is not there is fine as long as the function is."""
    script.refuse("delete_provisioned_concurrency_config", "ResourceNotFoundException", status=404)
    script.answer("get_function_concurrency", FunctionName="orders")

    functions.remove_provisioned("orders", "live")


def test_reads_provisioned_concurrency_page_by_page(
    functions: LambdaFunctions, script: Script
) -> None:
    """What was requested counts, not what is allocated already."""

    def page(qualifier: str, **more: Any) -> dict[str, Any]:
        one = {
            "FunctionArn": f"{ARN}:{qualifier}",
            "RequestedProvisionedConcurrentExecutions": 5,
            "AllocatedProvisionedConcurrentExecutions": 1,
        }
        return {"ProvisionedConcurrencyConfigs": [one], **more}

    script.answer("list_provisioned_concurrency_configs", page("live", NextMarker="next"))
    script.answer("list_provisioned_concurrency_configs", page("7"))

    found = functions.provisioned("orders")

    assert [(one.qualifier, one.requested) for one in found] == [("7", 5), ("live", 5)]


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("Enabled", True),
        ("Enabling", True),
        ("Creating", True),
        ("Disabled", False),
        ("Disabling", False),
    ],
)
def test_reads_the_switch_from_the_state(
    functions: LambdaFunctions, script: Script, state: str, *, enabled: bool
) -> None:
    """A mapping on its way to a state counts as there."""
    script.answer(
        "get_event_source_mapping",
        {"UUID": UUID, "EventSourceArn": QUEUE, "State": state},
        UUID=UUID,
    )

    found = functions.mapping(UUID)

    assert found == EventSourceMapping(uuid=UUID, source_arn=QUEUE, enabled=enabled)


def test_waits_for_an_update(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """A mapping that is being updated shows its switch afterwards."""
    for state in ("Updating", "Updating", "Disabled"):
        script.answer("get_event_source_mapping", {"UUID": UUID, "State": state})

    found = functions.mapping(UUID)

    assert (found.enabled, found.is_changing, len(pauses)) == (False, False, 2)


def test_an_update_without_an_end_counts_as_enabled(
    functions: LambdaFunctions, script: Script
) -> None:
    """A mapping that stays in its update is rather disabled once too often."""
    for _ in range(6):
        script.answer("get_event_source_mapping", {"UUID": UUID, "State": "Updating"})

    found = functions.mapping(UUID)

    assert (found.enabled, found.is_changing) == (True, True)


def test_reads_the_limit_of_a_mapping(functions: LambdaFunctions, script: Script) -> None:
    """AWS leaves it out, or empty, where there is none."""
    configs: tuple[dict[str, Any], ...] = (
        {"ScalingConfig": {"MaximumConcurrency": 7}},
        {"ScalingConfig": {}},
        {},
    )
    for config in configs:
        entry = {"UUID": UUID, "EventSourceArn": QUEUE, "State": "Enabled", **config}
        script.answer("get_event_source_mapping", entry)

    assert [functions.mapping(UUID).maximum_concurrency for _ in configs] == [7, None, None]


def test_a_mapping_being_deleted_is_gone(functions: LambdaFunctions, script: Script) -> None:
    """It is neither found nor listed."""
    script.answer("get_event_source_mapping", {"UUID": UUID, "State": "Deleting"})
    with pytest.raises(MappingNotFoundError):
        functions.mapping(UUID)

    entry = {"UUID": UUID, "EventSourceArn": QUEUE, "FunctionArn": ARN, "State": "Deleting"}
    script.answer("list_event_source_mappings", {"EventSourceMappings": [entry]})
    assert functions.mappings("orders") == ()


def test_finds_the_mappings_of_versions_and_aliases(
    functions: LambdaFunctions, script: Script
) -> None:
    """Whatever qualifier a mapping invokes, on whatever page it is; of other functions, none."""
    others = (f"{ARN}-2", f"{ARN}-2:live", ARN.replace("orders", "billing"), f"{ARN[:-1]}:7")
    arns = (*others, ARN, f"{ARN}:7", f"{ARN}:live", f"{ARN}:$LATEST.PUBLISHED")

    def listed(number: int, arn: str) -> dict[str, Any]:
        uuid = f"00000000-0000-4000-8000-00000000000{number}"
        return {"UUID": uuid, "EventSourceArn": QUEUE, "FunctionArn": arn, "State": "Enabled"}

    entries = [listed(number, arn) for number, arn in enumerate(arns)]
    script.answer(
        "list_event_source_mappings", {"EventSourceMappings": entries[:5], "NextMarker": "more"}
    )
    script.answer("list_event_source_mappings", {"EventSourceMappings": entries[5:]}, Marker="more")

    assert [int(one.uuid[-1]) for one in functions.mappings("orders")] == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("source", "kind", "service"),
    [
        (QUEUE, TriggerKind.SQS, "SQS"),
        (
            "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
            TriggerKind.STREAM,
            "DynamoDB stream",
        ),
        ("arn:aws:kinesis:us-east-1:123456789012:stream/s", TriggerKind.STREAM, "Kinesis"),
        (
            "arn:aws:kafka:us-east-1:123456789012:cluster/c/1",
            TriggerKind.OTHER_POLLED,
            "Kafka",
        ),
        ("arn:aws:mq:us-east-1:123456789012:broker:b:1", TriggerKind.OTHER_POLLED, "Amazon MQ"),
        ("arn:aws:rds:us-east-1:123456789012:cluster:c", TriggerKind.OTHER_POLLED, "DocumentDB"),
        ("", TriggerKind.OTHER_POLLED, "Kafka"),  # self-managed: no ARN
        ("arn:aws:new:us-east-1:123456789012:thing", TriggerKind.OTHER_POLLED, "new"),
    ],
)
def test_names_what_polls(
    functions: LambdaFunctions, script: Script, source: str, kind: TriggerKind, service: str
) -> None:
    """Every kind of event source has its family and its name."""
    script.refuse("get_policy", "ResourceNotFoundException", status=404)
    mapping = EventSourceMapping(uuid=UUID, source_arn=source, enabled=True)

    found = functions.triggers("orders", [mapping])

    assert found == (Trigger(kind=kind, service=service, source_arn=source, mapping_uuid=UUID),)


def test_a_policy_that_cannot_be_read_is_an_error(
    functions: LambdaFunctions, script: Script
) -> None:
    """That there is no policy and that nobody may read it are two things."""
    script.refuse("get_policy", "AccessDeniedException", status=403)

    with pytest.raises(RefusedError):
        functions.triggers("orders", ())


def test_no_settings_for_asynchronous_events(functions: LambdaFunctions, script: Script) -> None:
    """A function without such settings sends its failures nowhere."""
    script.refuse("get_function_event_invoke_config", "ResourceNotFoundException", status=404)
    assert functions.async_target("orders") == ""

    script.answer("get_function_event_invoke_config", {"MaximumRetryAttempts": 1})
    assert functions.async_target("orders") == ""

    script.refuse("get_function_event_invoke_config", "TooManyRequestsException", status=429)
    with pytest.raises(BusyError):
        functions.async_target("orders")


def test_finds_tagged_functions_page_by_page(functions: LambdaFunctions, tagging: Script) -> None:
    """All functions with the tag, each with the tag's value."""

    def found(arn: str, value: str) -> dict[str, Any]:
        tags = [{"Key": "other", "Value": "no"}, {"Key": "key", "Value": value}]
        return {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags}]}

    expected = {"TagFilters": [{"Key": "key"}], "ResourceTypeFilters": ["lambda:function"]}
    tagging.answer("get_resources", {**found("a", "1"), "PaginationToken": "next"}, **expected)
    tagging.answer("get_resources", found("b", "2"), **expected, PaginationToken="next")

    assert functions.tagged("key") == {"a": "1", "b": "2"}


def test_the_tagging_api_is_busy(functions: LambdaFunctions, tagging: Script) -> None:
    """Its errors are the domain's, too."""
    tagging.refuse("get_resources", "ThrottledException")

    with pytest.raises(BusyError, match="functions with the tag key"):
        functions.tagged("key")


def _statement(service: object, condition: object = None, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        **({} if condition is None else {"Condition": condition}),
        **more,
    }


def _pushed(kind: TriggerKind, service: str, source: str = "") -> Trigger:
    return Trigger(kind=kind, service=service, source_arn=source)


BUCKET = "arn:aws:s3:::uploads"
SYNC, ASYNC = TriggerKind.SYNC, TriggerKind.ASYNC


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            _statement(
                "s3.amazonaws.com",
                {
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                    "ArnLike": {"AWS:SourceArn": BUCKET},
                },
            ),
            [_pushed(ASYNC, "S3", BUCKET)],
        ),
        (
            _statement("sns.amazonaws.com", {"StringLike": {"aws:sourcearn": ["a", "b"]}}),
            [_pushed(ASYNC, "SNS", "a"), _pushed(ASYNC, "SNS", "b")],
        ),
        (
            _statement("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge", "rule")],
        ),
        (
            _statement("events.amazonaws.com", {"StringEqualsIfExists": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge", "rule")],
        ),
        (
            _statement("events.amazonaws.com", {"ArnNotLike": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge")],
        ),
        (_statement("logs.us-east-1.amazonaws.com"), [_pushed(ASYNC, "CloudWatch Logs")]),
        (
            _statement("lambda.alarms.cloudwatch.amazonaws.com"),
            [_pushed(ASYNC, "CloudWatch alarm")],
        ),
        (_statement("iot.amazonaws.com.cn"), [_pushed(ASYNC, "IoT")]),
        (
            _statement(["apigateway.amazonaws.com", "elasticloadbalancing.amazonaws.com"]),
            [_pushed(SYNC, "API Gateway"), _pushed(SYNC, "load balancer")],
        ),
        (_statement("brandnew.amazonaws.com"), [_pushed(ASYNC, "brandnew")]),
        (
            _statement("x", Principal="*", Action="lambda:InvokeFunctionUrl"),
            [_pushed(SYNC, "function URL")],
        ),
        (_statement("x", Principal="*"), [_pushed(SYNC, "anyone")]),
        (
            _statement("x", Principal={"AWS": "arn:aws:iam::210987654321:root"}),
            [_pushed(SYNC, "another account or role")],
        ),
        (_statement("s3.amazonaws.com", Effect="Deny"), []),
        (_statement("x", Principal=None), []),
        (_statement("s3.amazonaws.com", "no condition"), [_pushed(ASYNC, "S3")]),
        (_statement("s3.amazonaws.com", {"ArnLike": "no keys"}), [_pushed(ASYNC, "S3")]),
        ("no statement", []),
    ],
)
def test_names_what_pushes(statement: object, expected: list[Trigger]) -> None:
    """Every statement that admits somebody tells who, how and from where."""
    policy = {"Version": "2012-10-17", "Id": "default"}

    alone = pushed_by(json.dumps({**policy, "Statement": statement}))
    twice = pushed_by(json.dumps({**policy, "Statement": [statement, statement]}))

    assert alone == twice == tuple(expected)


@pytest.mark.parametrize("policy", ["", "{", "[]", "{}", "null", '{"Statement": 7}'])
def test_a_malformed_policy_admits_nobody(policy: str) -> None:
    """What cannot be read is left out, and the rest goes on."""
    assert pushed_by(policy) == ()
