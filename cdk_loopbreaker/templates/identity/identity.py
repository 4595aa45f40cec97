"""What a resource is called: by `Ref`, by `Fn::GetAtt`, by its ARN.

Facts: the *Return values* of each resource type in the CloudFormation template reference, and the
ARN formats of the service authorization reference.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.intrinsics.stack import Stack
    from cdk_loopbreaker.templates.model import Value

_LETTERS: Final = 12
_OUTSIDE_OF_NAMES: Final = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Names of a resource.

    Attributes
    ----------
    ref
        What `Ref` gives; unknown for a custom resource, whose code chooses it.
    arn
        Empty for types that have none.
    attributes
        What `Fn::GetAtt` gives, by attribute.
    """

    name: str
    ref: Value
    arn: str = ""
    attributes: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A resource that gets its names.

    `read` gives a property, resolved; ``None`` where it is left out. `report` says a problem.
    """

    stack: Stack
    logical_id: str
    type: str
    read: Callable[[str], Value]
    report: Callable[[str], None]

    def read_text(self, name: str) -> str:
        """A property as a text; empty where it is left out or not wholly known."""
        value = self.read(name)
        return str(value) if isinstance(value, str) else ""

    def read_name(self, name: str, most: int = 64) -> str:
        """The physical name: the property if it is known, else one as CloudFormation makes it."""
        value = self.read(name)
        if isinstance(value, str) and value:
            return str(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # YAML reads a name of digits as a number
        if value is not None and value != "":  # it may be anything, also a list
            why = getattr(value, "why", "it is no text")
            self.report(f"{name} of {self.logical_id} is not known ({why})")
        return self.make_name(most)

    def make_name(self, most: int = 64) -> str:
        """A name of stack, logical id and letters that stand for CloudFormation's random ones."""
        head = _OUTSIDE_OF_NAMES.sub("-", f"{self.stack.name}-{self.logical_id}")
        return f"{head[: most - _LETTERS - 1]}-{self.make_letters(_LETTERS)}"

    def make_letters(self, count: int) -> str:
        """Up to 64 letters and digits that only this resource has."""
        stack = self.stack
        named = f"{stack.account} {stack.region} {stack.name} {self.logical_id}"
        return hashlib.sha256(named.encode()).hexdigest().upper()[:count]

    def make_uuid(self) -> str:
        """A UUID that only this resource has."""
        digest = hashlib.sha256(self.make_letters(40).encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))

    def make_arn(self, service: str, resource: str) -> str:
        """An ARN in the stack's account and Region."""
        stack = self.stack
        return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}"


Describe = Callable[[Subject], Identity]


def describe_other(subject: Subject) -> Identity:
    """The names of a resource whose type nothing is known of.

    Its ARN and id are made up: they equal themselves, and nothing that the event graph knows.
    """
    name = subject.make_name()
    service, _, kind = subject.type.partition("::")[2].partition("::")
    is_custom = subject.type == "AWS::CloudFormation::CustomResource"
    if is_custom or not subject.type.startswith("AWS::"):
        return Identity(name=name, ref=Unknown(f"result of custom resource {subject.logical_id}"))
    arn = subject.make_arn(service.lower(), f"{kind.lower()}/{name}")
    attributes = {"Arn": arn, f"{kind}Arn": arn, "Id": name, f"{kind}Id": name}
    return Identity(name=name, ref=name, attributes=attributes)
