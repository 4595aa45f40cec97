"""A stack that is to be evaluated: a template with its place and its parameters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.documents.source import NO_INDEX
from cdk_loopbreaker.templates.home import Home
from cdk_loopbreaker.templates.model import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.documents.source import ConstructIndex
    from cdk_loopbreaker.templates.model import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A template that is deployed under a name.

    Attributes
    ----------
    name
        Unique in its account and Region.
    path, file
        Its template: to find the files beside it, and as it was given.
    is_account_known, is_region_known
        False where `account` or `region` is a stand-in, because nothing tells it.
    body
        Its sections, after macros.
    lines
        Line of each logical id of the written template.
    origins
        Logical id of the written template by the logical id that a macro made of it.
    arguments
        Values of parameters that are given: on the command line, or by the stack that nests it.
    level
        How many stacks nest it.
    index
        What the CDK states of it beside the template.
    """

    name: str
    path: Path
    file: str
    account: str
    region: str
    is_account_known: bool = True
    is_region_known: bool = True
    body: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    arguments: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    level: int = 0
    index: ConstructIndex = NO_INDEX

    @property
    def home(self) -> Home:
        """Where it is deployed, as far as something tells it."""
        return Home(
            account=self.account,
            region=self.region,
            partition=self.partition,
            is_account_known=self.is_account_known,
            is_region_known=self.is_region_known,
        )

    @property
    def partition(self) -> str:
        """The partition that its Region belongs to."""
        return find_partition(self.region)

    @property
    def url_suffix(self) -> str:
        """The domain of AWS's services there."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    @property
    def id(self) -> str:
        """Its ARN, with an id made of its name."""
        digest = hashlib.sha256(f"{self.account} {self.region} {self.name}".encode()).hexdigest()
        unique = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
        place = f"{self.region}:{self.account}:stack/{self.name}"
        return f"arn:{self.partition}:cloudformation:{place}/{unique}"

    def section(self, name: str) -> Mapping[str, object]:
        """A section of the template; empty where it has none, or something else in its place."""
        section = self.body.get(name)
        return section if isinstance(section, dict) else {}

    def place(self, logical_id: str) -> Place:
        """Where a resource is declared."""
        written = self.origins.get(logical_id, logical_id)
        resource = self.section("Resources").get(logical_id)
        metadata = resource.get("Metadata") if isinstance(resource, dict) else None
        path = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
        path = path or self.index.paths.get(self.path.name, {}).get(logical_id)
        return Place(
            file=self.file,
            line=self.lines.get(written, 0),
            stack=self.name,
            logical_id=written,
            construct_path=path if isinstance(path, str) else "",
        )


def find_partition(region: str) -> str:
    """The partition of a Region (endpoints of botocore 1.43).

    >>> find_partition("cn-north-1"), find_partition("eu-west-1")
    ('aws-cn', 'aws')
    """
    by_prefix = (
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    )
    return next((name for prefix, name in by_prefix if region.startswith(prefix)), "aws")
