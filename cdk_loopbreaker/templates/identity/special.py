"""The resource types whose names follow rules of their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.identity.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.identity.identity import Describe, Subject
    from cdk_loopbreaker.templates.model import Value

_FIFO: Final = ".fifo"


def _describe_queue(subject: Subject) -> Identity:
    """`Ref` gives the URL."""
    name = _read_fifo_name(subject, "QueueName", "FifoQueue", 80)
    arn = subject.make_arn("sqs", name)
    stack = subject.stack
    url = f"https://sqs.{stack.region}.{stack.url_suffix}/{stack.account}/{name}"
    return Identity(
        name=name, ref=url, arn=arn, attributes={"Arn": arn, "QueueName": name, "QueueUrl": url}
    )


def _describe_topic(subject: Subject) -> Identity:
    """`Ref` gives the ARN."""
    name = _read_fifo_name(subject, "TopicName", "FifoTopic", 256)
    arn = subject.make_arn("sns", name)
    return Identity(
        name=name, ref=arn, arn=arn, attributes={"TopicArn": arn, "TopicName": name, "Arn": arn}
    )


def _read_fifo_name(subject: Subject, name: str, is_fifo: str, most: int) -> str:
    """A made name ends like the names of its kind."""
    found = subject.read_name(name, most - len(_FIFO))
    said = subject.read(is_fifo)  # it may be anything, also a list
    if subject.read_text(name) or not (said is True or said == "true"):
        return found
    return found if found.endswith(_FIFO) else found + _FIFO


def _describe_subscription(subject: Subject) -> Identity:
    topic = subject.read_text("TopicArn") or subject.make_arn("sns", subject.make_name(256))
    arn = f"{topic}:{subject.make_uuid()}"
    return Identity(name=arn.rsplit(":", 1)[-1], ref=arn, arn=arn, attributes={"Arn": arn})


def _describe_bucket(subject: Subject) -> Identity:
    """A name of lower-case letters; neither Region nor account stand in the ARN."""
    stack = subject.stack
    given = subject.read_name("BucketName", 63)
    name = given if subject.read_text("BucketName") else given.lower()
    arn = f"arn:{stack.partition}:s3:::{name}"
    attributes: dict[str, Value] = {
        "Arn": arn,
        "DomainName": f"{name}.s3.{stack.url_suffix}",
        "RegionalDomainName": f"{name}.s3.{stack.region}.{stack.url_suffix}",
        "DualStackDomainName": f"{name}.s3.dualstack.{stack.region}.{stack.url_suffix}",
        "WebsiteURL": f"http://{name}.s3-website-{stack.region}.{stack.url_suffix}",
    }
    return Identity(name=name, ref=name, arn=arn, attributes=attributes)


def _describe_log_group(subject: Subject) -> Identity:
    """The attribute ends with ``:*``, which stands for its streams."""
    name = subject.read_name("LogGroupName", 512)
    arn = subject.make_arn("logs", f"log-group:{name}")
    return Identity(name=name, ref=name, arn=arn, attributes={"Arn": f"{arn}:*"})


def _describe_rule(subject: Subject) -> Identity:
    """A rule of another bus than the default one names it."""
    name = subject.read_name("Name")
    bus = subject.read_text("EventBusName").rsplit("/", 1)[-1]
    is_default = bus in {"", "default"}
    arn = subject.make_arn("events", f"rule/{name}" if is_default else f"rule/{bus}/{name}")
    ref = name if is_default else f"{bus}|{name}"
    return Identity(name=name, ref=ref, arn=arn, attributes={"Arn": arn})


def _describe_schedule(subject: Subject) -> Identity:
    name = subject.read_name("Name")
    group = subject.read_text("GroupName") or "default"
    arn = subject.make_arn("scheduler", f"schedule/{group}/{name}")
    return Identity(name=name, ref=name, arn=arn, attributes={"Arn": arn})


def _describe_stream_consumer(subject: Subject) -> Identity:
    name = subject.read_name("ConsumerName")
    stream = subject.read_text("StreamARN") or subject.make_arn("kinesis", "stream/unknown")
    arn = f"{stream}/consumer/{name}:0"
    attributes: dict[str, Value] = {
        "ConsumerARN": arn,
        "ConsumerName": name,
        "StreamARN": stream,
        "ConsumerStatus": "ACTIVE",
    }
    return Identity(name=name, ref=arn, arn=arn, attributes=attributes)


def _describe_version(subject: Subject) -> Identity:
    """`Ref` gives the ARN with the version. Which number it gets is made up."""
    function = _read_function(subject)
    arn = f"{function}:1"
    return Identity(name="1", ref=arn, arn=arn, attributes={"Version": "1", "FunctionArn": arn})


def _describe_alias(subject: Subject) -> Identity:
    name = subject.read_name("Name", 128)
    arn = f"{_read_function(subject)}:{name}"
    return Identity(name=name, ref=arn, arn=arn, attributes={"AliasArn": arn})


def _describe_url(subject: Subject) -> Identity:
    """`Ref` gives the ARN of the function; the attribute is the URL."""
    target = subject.read_text("TargetFunctionArn")
    function = _complete_function(subject, target) if target else _read_function(subject)
    host = subject.make_letters(32).lower()
    url = f"https://{host}.lambda-url.{subject.stack.region}.on.aws/"
    attributes: dict[str, Value] = {"FunctionArn": function, "FunctionUrl": url}
    return Identity(name=host, ref=function, arn=function, attributes=attributes)


def _read_function(subject: Subject) -> str:
    """The ARN of the function that a version, alias or URL belongs to."""
    return _complete_function(subject, subject.read_text("FunctionName"))


def _complete_function(subject: Subject, function: str) -> str:
    if function.startswith("arn:"):
        return function
    return subject.make_arn("lambda", f"function:{function or subject.make_name()}")


def _describe_mapping(subject: Subject) -> Identity:
    uuid = subject.make_uuid()
    arn = subject.make_arn("lambda", f"event-source-mapping:{uuid}")
    return Identity(
        name=uuid, ref=uuid, arn=arn, attributes={"Id": uuid, "EventSourceMappingArn": arn}
    )


def _describe_role(subject: Subject) -> Identity:
    return _describe_principal(subject, "RoleName", "role", "RoleId")


def _describe_user(subject: Subject) -> Identity:
    return _describe_principal(subject, "UserName", "user", "UserId")


def _describe_group(subject: Subject) -> Identity:
    return _describe_principal(subject, "GroupName", "group", "GroupId")


def _describe_profile(subject: Subject) -> Identity:
    named_by, id_attribute = "InstanceProfileName", "InstanceProfileId"
    return _describe_principal(subject, named_by, "instance-profile", id_attribute)


def _describe_managed_policy(subject: Subject) -> Identity:
    """`Ref` gives the ARN."""
    found = _describe_principal(subject, "ManagedPolicyName", "policy", "PolicyId")
    attributes = {**found.attributes, "PolicyArn": found.arn}
    return Identity(name=found.name, ref=found.arn, arn=found.arn, attributes=attributes)


def _describe_principal(subject: Subject, named_by: str, kind: str, id_attribute: str) -> Identity:
    """IAM is the same in all Regions, and a path stands before the name."""
    name = subject.read_name(named_by)
    path = subject.read_text("Path").strip("/")
    stack = subject.stack
    resource = f"{kind}/{path}/{name}" if path else f"{kind}/{name}"
    arn = f"arn:{stack.partition}:iam::{stack.account}:{resource}"
    unique = f"A{subject.make_letters(20)}"
    return Identity(name=name, ref=name, arn=arn, attributes={"Arn": arn, id_attribute: unique})


def _describe_machine_version(subject: Subject) -> Identity:
    machine = subject.read_text("StateMachineArn") or subject.read_text("StateMachineRevisionId")
    arn = f"{machine}:1" if machine else subject.make_arn("states", subject.make_name(80))
    return Identity(name="1", ref=arn, arn=arn, attributes={"Arn": arn})


def _describe_machine_alias(subject: Subject) -> Identity:
    name = subject.read_name("Name", 80)
    arn = _read_routed_machine(subject.read("RoutingConfiguration"))
    arn = f"{arn}:{name}" if arn else subject.make_arn("states", f"stateMachine:{name}")
    return Identity(name=name, ref=arn, arn=arn, attributes={"Arn": arn})


def _read_routed_machine(routes: Value) -> str:
    """The state machine of the first version that an alias leads to."""
    match routes:
        case [{"StateMachineVersionArn": str(version)}, *_]:
            return version.rsplit(":", 1)[0]
    return ""


def _describe_bucket_notifications(subject: Subject) -> Identity:
    """The CDK's custom resource, which configures notifications of a bucket."""
    name = subject.make_name()
    return Identity(name=name, ref=name)


def _describe_stack(subject: Subject) -> Identity:
    name = subject.make_name(128)
    arn = subject.make_arn("cloudformation", f"stack/{name}/{subject.make_uuid()}")
    return Identity(name=name, ref=arn, arn=arn)


SPECIAL: Final[Mapping[str, Describe]] = MappingProxyType(
    {
        "AWS::SQS::Queue": _describe_queue,
        "AWS::SNS::Topic": _describe_topic,
        "AWS::SNS::Subscription": _describe_subscription,
        "AWS::S3::Bucket": _describe_bucket,
        "AWS::Logs::LogGroup": _describe_log_group,
        "AWS::Events::Rule": _describe_rule,
        "AWS::Scheduler::Schedule": _describe_schedule,
        "AWS::Kinesis::StreamConsumer": _describe_stream_consumer,
        "AWS::Lambda::Version": _describe_version,
        "AWS::Lambda::Alias": _describe_alias,
        "AWS::Lambda::Url": _describe_url,
        "AWS::Lambda::EventSourceMapping": _describe_mapping,
        "AWS::IAM::Role": _describe_role,
        "AWS::IAM::User": _describe_user,
        "AWS::IAM::Group": _describe_group,
        "AWS::IAM::InstanceProfile": _describe_profile,
        "AWS::IAM::ManagedPolicy": _describe_managed_policy,
        "AWS::StepFunctions::StateMachineVersion": _describe_machine_version,
        "AWS::StepFunctions::StateMachineAlias": _describe_machine_alias,
        "AWS::CloudFormation::Stack": _describe_stack,
        "Custom::S3BucketNotifications": _describe_bucket_notifications,
    }
)
