"""Names of functions, out of every form in which AWS writes them, and URLs of queues."""

import re
from dataclasses import dataclass
from typing import Final

from functions.domain.errors import LoopbreakerError

# The shapes `FunctionName`, `NamespacedFunctionName` and `FunctionArn` of Lambda's service model
# (botocore 1.43): name, partial ARN and ARN, each with or without a version or alias, in every
# partition (aws, aws-cn, aws-us-gov, aws-eusc, aws-iso, aws-iso-b, ...). The tenant of a function
# with tenant isolation is no part of any of them: it is a header of the invocation.
# `stacks.config` may not import this; a test compares its Regions with these.
REGION_PATTERN: Final = r"(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9]"
_NAME: Final = r"[A-Za-z0-9_-]{1,64}"
_REFERENCE: Final = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    rf"(?:{REGION_PATTERN}:)?"
    r"(?:[0-9]{12}:)?"
    r"(?:function:)?"
    rf"(?:(?P<home>{REGION_PATTERN})\.)?(?P<name>{_NAME})"
    r"(?::(?:\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]+))?"
)

# arn:aws:sts::<account>:assumed-role/<role>/<session>
_SESSION: Final = re.compile(r"arn:aws[a-z-]*:sts::[0-9]{12}:assumed-role/[^/]+/(?P<session>[^/]+)")


class InvalidFunctionReferenceError(LoopbreakerError, ValueError):
    """When a text is neither a function's name nor its ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeReplica:
    """A copy of a function that Lambda@Edge runs in another Region.

    In metrics and log groups of the Regions where it runs its name is ``us-east-1.<name>``
    (CloudFront developer guide, *Edge function logs*). Only GetFunction and its kind accept such
    a name: PutFunctionConcurrency refuses the dot.

    Attributes
    ----------
    home
        The Region of the function that it is a copy of; CloudFront takes functions from us-east-1
        only.
    name
        The name of the function that it is a copy of.
    """

    home: str
    name: str


def parse_function_name(reference: str) -> str:
    """The bare name in a name, `name:qualifier`, partial ARN or ARN.

    Raises
    ------
    InvalidFunctionReferenceError
        When it is none of these; a Lambda@Edge replica is not a function that can be changed.
    """
    found = _REFERENCE.fullmatch(reference.strip())
    if found is None or found["home"]:
        raise InvalidFunctionReferenceError(
            f"{reference[:200]!r} is not a Lambda function: give its name or its ARN"
        )
    return found["name"]


def parse_edge_replica(reference: str) -> EdgeReplica | None:
    """The Lambda@Edge replica that a text names; ``None`` if it names none."""
    found = _REFERENCE.fullmatch(reference.strip())
    if found is None or not found["home"]:
        return None
    return EdgeReplica(home=found["home"], name=found["name"])


def parse_session_function(caller: str) -> str:
    """The function that called, by the ARN of its role's session; empty for any other caller.

    Lambda gives the session of a function's role the function's name. UNCONFIRMED A-024 in AWS's
    documents, and not more than a hint: whoever may assume a role chooses the session's name.
    """
    found = _SESSION.fullmatch(caller)
    return found["session"] if found else ""


def parse_metric_name(dimension: str) -> str:
    """The name under which CloudWatch keeps a function's metrics: its own, or a replica's.

    Raises
    ------
    InvalidFunctionReferenceError
        When it is neither.
    """
    replica = parse_edge_replica(dimension)
    return parse_function_name(dimension) if replica is None else f"{replica.home}.{replica.name}"


def compose_queue_url(arn: str) -> str:
    """The URL of a queue (SQS developer guide, *Queue name and URL*).

    >>> compose_queue_url("arn:aws:sqs:us-east-1:123456789012:orders")
    'https://sqs.us-east-1.amazonaws.com/123456789012/orders'
    """
    _, partition, _, region, account, name = arn.split(":")
    domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://sqs.{region}.{domain}/{account}/{name}"


def parse_bus_name(bus: str) -> str:
    """The name of an event bus, out of its ARN or its name.

    The names of partner event buses have slashes (EventBridge user guide, *Receiving events from a
    SaaS partner with Amazon EventBridge*).

    >>> parse_bus_name("arn:aws:events:us-east-1:123456789012:event-bus/aws.partner/shop.example/1")
    'aws.partner/shop.example/1'
    """
    return bus.rpartition(":event-bus/")[2]
