"""Creates what a scenario consists of, as a user of the account would have created it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.local_aws import LocalAws

HANDLERS = Path(__file__).resolve().parent.parent / "handlers"
RUNTIME = "python3.12"
SETTLED = frozenset({"Enabled", "Disabled"})
MAPPING_MINUTES = 10
"""Virtual minutes within which a mapping changes its state, with room to spare."""

BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_FIXED_DATE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a function's role may do."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """The settings of a function that a containment may change."""

    reserved_concurrency: int | None
    provisioned_concurrency: tuple[tuple[str, int], ...]
    mappings: tuple[tuple[str, str], ...]
    invoke_config: str | None
    tags: tuple[tuple[str, str], ...]


def arn(service: str, resource: str) -> str:
    """The ARN of a resource in the sandbox's account."""
    if service == "s3":
        return f"arn:aws:s3:::{resource}"
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


def function_arn(name: str) -> str:
    """The ARN of a function in the sandbox's account."""
    return arn("lambda", f"function:{name}")


def package(handler: str) -> bytes:
    """The deployment package of a function's code."""
    return package_code(read_handler(handler))


def read_handler(name: str) -> str:
    """The code of a handler, wherever it lies."""
    (found,) = HANDLERS.rglob(f"{name}.py")
    return found.read_text()


def package_code(code: str) -> bytes:
    """A deployment package of one file: the same code gives the same bytes, whenever it is made."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("index.py", _FIXED_DATE), code)
    return archive.getvalue()


def create_function(
    aws: LocalAws,
    name: str,
    *,
    code: str | None = None,
    grants: Sequence[Grant] = (),
    tags: Mapping[str, str] | None = None,
    timeout_seconds: int = 10,
    allows_loops: bool = False,
    writes_logs: bool = True,
    **settings: Any,
) -> str:
    """Create a function with a role of its own; its ARN.

    ``allows_loops`` turns Lambda's own loop detection off, as for loops it does not see.
    ``writes_logs`` attaches AWS's basic execution role policy; ``settings`` are further ones of
    CreateFunction.
    """
    role = f"{name}-role"
    iam = aws.client("iam")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))
    statements = [
        {"Effect": "Allow", "Action": list(grant.actions), "Resource": list(grant.resources)}
        for grant in grants
    ]
    if statements:
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(document))
    if writes_logs:
        iam.attach_role_policy(RoleName=role, PolicyArn=BASIC_EXECUTION)
    created = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=f"arn:aws:iam::{ACCOUNT_ID}:role/{role}",
        Handler="index.handler",
        Code={"ZipFile": package(code or name.replace("-", "_"))},
        Timeout=timeout_seconds,
        Tags=dict(tags or {}),
        **settings,
    )
    if allows_loops:
        aws.client("lambda").put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    aws.let_iam_settle()
    return str(created["FunctionArn"])


def update_code(aws: LocalAws, name: str, handler: str) -> None:
    """Deploy other code to a function."""
    aws.client("lambda").update_function_code(FunctionName=name, ZipFile=package(handler))


def create_table(aws: LocalAws, name: str, *, has_stream: bool = False) -> str | None:
    """Create a table with the key ``id``; the ARN of its stream."""
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    answer = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **({"StreamSpecification": stream} if has_stream else {}),
    )
    stream_arn: str | None = answer["TableDescription"].get("LatestStreamArn")
    return stream_arn


def create_ledger(client: Any, name: str) -> str:
    """Create a table with the keys of the guard's ledger; its name."""
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def has_item(aws: LocalAws, table: str, key: str, attribute: str) -> bool:
    """Whether an item is there and has an attribute."""
    answer = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": key}})
    return attribute in answer.get("Item", {})


def allow_invoke(aws: LocalAws, function: str, service: str, source_arn: str) -> None:
    """Let a service invoke a function for one source."""
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId=service.partition(".")[0],
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source_arn,
        SourceAccount=ACCOUNT_ID,
    )


def notify_on_new_objects(aws: LocalAws, bucket: str, function: str, prefix: str = "") -> None:
    """Let each new object under a prefix invoke a function."""
    configuration: dict[str, Any] = {
        "LambdaFunctionArn": function_arn(function),
        "Events": ["s3:ObjectCreated:*"],
    }
    if prefix:
        rules = [{"Name": "prefix", "Value": prefix}]
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]},
    )


def map_source(aws: LocalAws, function: str, source_arn: str, *, batch_size: int = 1) -> str:
    """Let Lambda poll a queue or a stream for a function, and wait until it does; its id."""
    is_stream = ":sqs:" not in source_arn
    answer = aws.client("lambda").create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=source_arn,
        BatchSize=batch_size,
        **({"StartingPosition": "LATEST"} if is_stream else {}),
    )
    await_mappings(aws, function)
    return str(answer["UUID"])


def await_mappings(aws: LocalAws, function: str) -> None:
    """Wait until no mapping of a function is on its way from one state to another."""
    client = aws.client("lambda")

    def are_settled() -> bool:
        mappings = client.list_event_source_mappings(FunctionName=function)
        return all(one["State"] in SETTLED for one in mappings["EventSourceMappings"])

    aws.wait_until_within(MAPPING_MINUTES, are_settled, f"the mappings of {function} to settle")


def settings_of(aws: LocalAws, function: str) -> FunctionSettings:
    """What the function's settings are now."""
    client = aws.client("lambda")
    whole = client.get_function(FunctionName=function)
    provisioned = client.list_provisioned_concurrency_configs(FunctionName=function)
    mappings = client.list_event_source_mappings(FunctionName=function)
    try:
        answer = client.get_function_event_invoke_config(FunctionName=function)
        invoke_config = json.dumps(
            {
                "age": answer.get("MaximumEventAgeInSeconds"),
                "retries": answer.get("MaximumRetryAttempts"),
                "destinations": answer.get("DestinationConfig"),
            },
            sort_keys=True,
        )
    except client.exceptions.ResourceNotFoundException:
        invoke_config = None
    return FunctionSettings(
        reserved_concurrency=whole.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        provisioned_concurrency=tuple(
            (
                config["FunctionArn"].rpartition(":")[2],
                config["RequestedProvisionedConcurrentExecutions"],
            )
            for config in provisioned["ProvisionedConcurrencyConfigs"]
        ),
        mappings=tuple(sorted((m["UUID"], m["State"]) for m in mappings["EventSourceMappings"])),
        invoke_config=invoke_config,
        tags=tuple(sorted(whole.get("Tags", {}).items())),
    )
