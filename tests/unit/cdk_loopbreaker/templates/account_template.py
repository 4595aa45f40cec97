"""The accounts of the corpus, written as templates of CloudFormation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.corpus.description import _SHORT, FOLDER, _arn

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account, FunctionDescription, Role

_NAMED: Final = {
    "queue": ("AWS::SQS::Queue", "QueueName"),
    "topic": ("AWS::SNS::Topic", "TopicName"),
    "table": ("AWS::DynamoDB::Table", "TableName"),
    "stream": ("AWS::DynamoDB::Table", "TableName"),
    "bucket": ("AWS::S3::Bucket", "BucketName"),
    "kinesis": ("AWS::Kinesis::Stream", "Name"),
    "bus": ("AWS::Events::EventBus", "Name"),
}


def write_template(case: str, account: Account) -> dict[str, Any]:
    """A template that declares everything that an account of the corpus has."""
    return _Template(case, account).write()


class _Template:
    """Collects the resources of a template."""

    def __init__(self, case: str, account: Account) -> None:
        self._account = account
        self._text = (FOLDER / f"{case}.json").read_text(encoding="utf-8")
        self._document = json.loads(_SHORT.sub(_arn, self._text))
        self._resources: dict[str, dict[str, Any]] = {}

    def write(self) -> dict[str, Any]:
        """The template."""
        self._declare_names()
        for role in self._account.roles.values():
            self._add_role(role)
        for function in self._account.functions:
            self._add_function(function)
        self._add_triggers()
        self._add_sources()
        self._add_flows()
        for arn, text in self._account.resource_policies.items():
            self._add_resource_policy(arn, json.loads(text))
        return {"Resources": self._resources}

    def _add(self, kind: str, **properties: Any) -> dict[str, Any]:
        told = {name: value for name, value in properties.items() if value not in ("", None, [])}
        self._resources[f"R{len(self._resources)}"] = {"Type": kind, "Properties": told}
        return told

    def _find(self, kind: str, name: str, value: str) -> dict[str, Any]:
        """The properties of a resource with this name, which is declared if it is not yet."""
        for one in self._resources.values():
            if one["Type"] == kind and one["Properties"].get(name) == value:
                found: dict[str, Any] = one["Properties"]
                return found
        return self._add(kind, **{name: value})

    def _declare_names(self) -> None:
        for kind, rest in _SHORT.findall(self._text):
            name = rest.split("/", 1)[0].split(":", 1)[0]
            is_default = kind == "bus" and name == "default"
            if kind in _NAMED and name and "*" not in name and not is_default:
                self._find(*_NAMED[kind], name)

    def _add_role(self, role: Role) -> None:
        trust = json.loads(role.trust) if role.trust else {"Statement": []}
        boundary = None
        if role.boundary is not None:
            name = f"{role.boundary.name}-{len(self._resources)}"
            self._add(
                "AWS::IAM::ManagedPolicy",
                ManagedPolicyName=name,
                PolicyDocument=json.loads(role.boundary.text),
            )
            boundary = f"arn:aws:iam::{self._account.account}:policy/{name}"
        self._add(
            "AWS::IAM::Role",
            RoleName=role.arn.rpartition("/")[2],
            AssumeRolePolicyDocument=trust,
            PermissionsBoundary=boundary,
            Policies=[
                {"PolicyName": one.name, "PolicyDocument": _read(one.text)} for one in role.policies
            ],
        )

    def _add_function(self, function: FunctionDescription) -> None:
        variables = self._document["functions"][function.name].get("environment", {})
        self._add(
            "AWS::Lambda::Function",
            FunctionName=function.name,
            Role=function.role_arn,
            Environment={"Variables": {key: self._refer(one) for key, one in variables.items()}},
            DeadLetterConfig={"TargetArn": function.dead_letter_arn}
            if function.dead_letter_arn
            else None,
            RecursiveLoop=function.recursive_loop,
            Tags=[{"Key": key, "Value": value} for key, value in function.tags.items()],
        )
        ends = {"OnSuccess": function.on_success_arn, "OnFailure": function.on_failure_arn}
        if any(ends.values()):
            self._add(
                "AWS::Lambda::EventInvokeConfig",
                FunctionName=function.name,
                Qualifier="$LATEST",
                DestinationConfig={name: {"Destination": arn} for name, arn in ends.items() if arn},
            )
        for text in function.resource_policies.values():
            for statement in json.loads(text)["Statement"]:
                ((kind, principal),) = statement["Principal"].items()
                assert kind in {"Service", "AWS"}
                source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
                self._add(
                    "AWS::Lambda::Permission",
                    FunctionName=function.arn,
                    Action=statement["Action"],
                    Principal=principal,
                    SourceArn=source,
                )

    def _refer(self, value: str) -> Any:
        """A value; for the URL of a function what gives it."""
        for number, api in enumerate(self._account.apis):
            if api.kind == "url" and api.url and value.startswith(api.url):
                return {"Fn::GetAtt": [f"Url{number}", "FunctionUrl"]}
        return value

    def _add_triggers(self) -> None:
        for mapping in self._account.mappings:
            self._add(
                "AWS::Lambda::EventSourceMapping",
                FunctionName=mapping.function_arn,
                EventSourceArn=mapping.source_arn,
                Enabled=mapping.is_enabled,
                FilterCriteria={"Filters": [{"Pattern": one} for one in mapping.filters]}
                if mapping.filters
                else None,
                DestinationConfig={"OnFailure": {"Destination": mapping.on_failure_arn}}
                if mapping.on_failure_arn
                else None,
            )
        for number, api in enumerate(self._account.apis):
            (function,) = api.function_arns
            if api.kind == "url":
                self._resources[f"Url{number}"] = {
                    "Type": "AWS::Lambda::Url",
                    "Properties": {"TargetFunctionArn": function, "AuthType": "NONE"},
                }
                continue
            self._add(
                "AWS::Lambda::Permission",
                FunctionName=function,
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=api.arn,
            )
        for one in self._account.log_subscriptions:
            if one.log_group:
                self._add(
                    "AWS::Logs::SubscriptionFilter",
                    FilterName=one.name,
                    LogGroupName=one.log_group,
                    DestinationArn=one.destination_arn,
                    FilterPattern=one.pattern,
                )
                continue
            excluded = json.dumps(one.excluded_groups)
            self._add(
                "AWS::Logs::AccountPolicy",
                PolicyName=one.name,
                PolicyType="SUBSCRIPTION_FILTER_POLICY",
                PolicyDocument=json.dumps(
                    {"DestinationArn": one.destination_arn, "FilterPattern": one.pattern}
                ),
                SelectionCriteria=f"LogGroupName NOT IN {excluded}" if one.excluded_groups else "",
            )

    def _add_sources(self) -> None:
        for bucket in self._account.buckets:
            told = self._find("AWS::S3::Bucket", "BucketName", bucket.name)
            configuration: dict[str, Any] = {}
            for one in bucket.notifications:
                service = one.target_arn.split(":")[2]
                kind = {"lambda": "Lambda", "sqs": "Queue", "sns": "Topic"}[service]
                target = {"Lambda": "Function"}.get(kind, kind)
                rules = [
                    {"Name": name, "Value": value}
                    for name, value in (("prefix", one.prefix), ("suffix", one.suffix))
                    if value
                ]
                for event in one.events:
                    entry = {"Event": event, target: one.target_arn}
                    configuration.setdefault(f"{kind}Configurations", []).append(
                        {**entry, "Filter": {"S3Key": {"Rules": rules}}}
                    )
            if bucket.has_event_bridge:
                configuration["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
            told["NotificationConfiguration"] = configuration
            if bucket.replicates_to:
                told["ReplicationConfiguration"] = {
                    "Rules": [
                        {
                            "Status": "Enabled",
                            "Filter": {"Prefix": keys.removesuffix("*")}
                            if keys
                            else {"TagFilter": {"Key": "copy", "Value": "yes"}},
                            "Destination": {"Bucket": target},
                        }
                        for target, _, keys in (one.partition("/") for one in bucket.replicates_to)
                    ]
                }
        for subscription in self._account.subscriptions:
            self._add(
                "AWS::SNS::Subscription",
                TopicArn=subscription.topic_arn,
                Protocol=subscription.protocol,
                Endpoint=subscription.endpoint,
                FilterPolicy=json.loads(subscription.filter_policy)
                if subscription.filter_policy
                else None,
                FilterPolicyScope=subscription.filter_scope,
                RedrivePolicy={"deadLetterTargetArn": subscription.dead_letter_arn}
                if subscription.dead_letter_arn
                else None,
            )
        for queue in self._account.queues:
            told = self._find("AWS::SQS::Queue", "QueueName", queue.arn.rpartition(":")[2])
            told["RedrivePolicy"] = {
                "deadLetterTargetArn": queue.dead_letter_arn,
                "maxReceiveCount": 3,
            }

    def _add_flows(self) -> None:
        for rule in self._account.rules:
            self._add(
                "AWS::Events::Rule",
                Name=rule.name,
                EventBusName=rule.bus_arn.rpartition("/")[2],
                EventPattern=json.loads(rule.pattern) if rule.pattern else None,
                ScheduleExpression=rule.schedule,
                State="ENABLED" if rule.is_enabled else "DISABLED",
                Targets=[
                    {"Id": f"T{number}", "Arn": one.arn} for number, one in enumerate(rule.targets)
                ],
            )
        for schedule in self._account.schedules:
            self._add(
                "AWS::Scheduler::Schedule",
                Name=schedule.arn.rpartition("/")[2],
                ScheduleExpression="rate(1 hour)",
                Target={"Arn": schedule.target_arn, "RoleArn": "arn:aws:iam::1:role/x"},
            )
        for pipe in self._account.pipes:
            parameters: dict[str, Any] = {}
            if pipe.filters:
                parameters["FilterCriteria"] = {
                    "Filters": [{"Pattern": one} for one in pipe.filters]
                }
            if pipe.dead_letter_arn:
                parameters["DynamoDBStreamParameters"] = {
                    "DeadLetterConfig": {"Arn": pipe.dead_letter_arn}
                }
            self._add(
                "AWS::Pipes::Pipe",
                Name=pipe.arn.rpartition("/")[2],
                Source=pipe.source_arn,
                Target=pipe.target_arn,
                Enrichment=pipe.enrichment_arn,
                SourceParameters=parameters,
            )
        for machine in self._account.state_machines:
            self._add(
                "AWS::StepFunctions::StateMachine",
                StateMachineName=machine.arn.rpartition(":")[2],
                RoleArn=machine.role_arn,
                DefinitionString=machine.definition,
            )
        for stream in self._account.delivery_streams:
            destination: dict[str, Any] = {"BucketARN": stream.destination_arns[0]}
            if stream.transform_arn:
                parameter = {"ParameterName": "LambdaArn", "ParameterValue": stream.transform_arn}
                destination["ProcessingConfiguration"] = {
                    "Enabled": True,
                    "Processors": [{"Type": "Lambda", "Parameters": [parameter]}],
                }
            self._add(
                "AWS::KinesisFirehose::DeliveryStream",
                DeliveryStreamName=stream.arn.rpartition("/")[2],
                ExtendedS3DestinationConfiguration=destination,
            )

    def _add_resource_policy(self, arn: str, document: Any) -> None:
        service, name = arn.split(":")[2], arn.rpartition(":")[2]
        match service:
            case "sqs":
                account, region = self._account.account, self._account.region
                url = f"https://sqs.{region}.amazonaws.com/{account}/{name}"
                self._add("AWS::SQS::QueuePolicy", Queues=[url], PolicyDocument=document)
            case "sns":
                self._add("AWS::SNS::TopicPolicy", Topics=[arn], PolicyDocument=document)
            case "s3":
                self._add("AWS::S3::BucketPolicy", Bucket=name, PolicyDocument=document)
            case "dynamodb":
                told = self._find("AWS::DynamoDB::Table", "TableName", name.rpartition("/")[2])
                told["ResourcePolicy"] = {"PolicyDocument": document}
            case "kinesis":
                self._add("AWS::Kinesis::ResourcePolicy", ResourceArn=arn, ResourcePolicy=document)
            case _:
                bus = name.rpartition("/")[2]
                for statement in document["Statement"]:
                    self._add("AWS::Events::EventBusPolicy", EventBusName=bus, Statement=statement)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
