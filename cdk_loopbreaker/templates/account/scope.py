"""The resources of one account and Region while its description is made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.model import Problem
from cdk_loopbreaker.templates.property_values import is_unknown, read_text
from functions.domain.account.inventory import Area, Gap
from functions.domain.graph.model import NodeKind
from functions.domain.graph.nodes import bucket_arn, bus_arn, is_elsewhere, node_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cdk_loopbreaker.templates.home import Home
    from cdk_loopbreaker.templates.model import Place, Resource, Value

AREAS: Final = {
    NodeKind.FUNCTION: Area.FUNCTIONS,
    NodeKind.QUEUE: Area.QUEUES,
    NodeKind.TOPIC: Area.TOPICS,
    NodeKind.BUCKET: Area.BUCKETS,
    NodeKind.TABLE: Area.TABLES,
    NodeKind.STREAM: Area.MAPPINGS,
    NodeKind.BUS: Area.RULES,
    NodeKind.STATE_MACHINE: Area.STATE_MACHINES,
    NodeKind.DELIVERY_STREAM: Area.DELIVERY_STREAMS,
}
# `FunctionName` of Lambda's API: name, partial ARN or ARN, each with or without a qualifier. The
# account of a template may be a placeholder.
_FUNCTION: Final = re.compile(
    r"(?:(?P<home>arn:[a-z-]+:lambda:[A-Za-z0-9-]+:)(?=[^:]+:function:))?"
    r"(?:(?P<account>[^:]+):(?=function:))?(?:function:)?(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
_LONGEST_REFERENCE: Final = 300
_ARN_FIELDS: Final = 6
_UNKNOWN: Final = frozenset("*<")
_LATEST: Final = "$LATEST"


@dataclass(slots=True, kw_only=True)
class AccountScope:
    """What is described, and what is noted while it is.

    Attributes
    ----------
    resources
        Of this account and Region.
    home
        The same, and what of it is a stand-in.
    gaps, problems, places, undecided
        See `Account` and `DescribedAccount`; they grow.
    referred
        ARNs of what is named from elsewhere than a trigger: by policies and definitions.
    """

    account: str
    region: str
    partition: str
    at: datetime
    resources: tuple[Resource, ...]
    home: Home
    gaps: dict[Gap, None] = field(default_factory=dict)
    problems: dict[Problem, None] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)
    referred: dict[str, None] = field(default_factory=dict)
    _by_type: dict[str, list[Resource]] = field(default_factory=dict)
    _by_ref: dict[tuple[str, str], Resource] = field(default_factory=dict)
    _by_arn: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.resources:
            self._by_type.setdefault(one.type, []).append(one)
            self._by_ref.setdefault((one.type, one.ref), one)
            if one.arn:
                self._by_arn.setdefault(one.arn, one)

    def list_of(self, *types: str) -> Iterator[Resource]:
        """The resources of these types, in their order."""
        for one in types:
            yield from self._by_type.get(one, ())

    def find(self, kind: str, ref: str) -> Resource | None:
        """The resource of a type whose `Ref` this is."""
        return self._by_ref.get((kind, ref))

    def compose_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def is_declared(self, arn: str) -> bool:
        """Whether a resource of the templates has this ARN."""
        return arn in self._by_arn

    # -- what is noted

    def place(self, resource: Resource, *names: str) -> None:
        """Remember where something is declared, and whether it certainly exists."""
        for name in names:
            if name:
                self.places.setdefault(name, resource.place)
                if not resource.is_certain:
                    self.undecided.add(name)

    def note_problem(self, resource: Resource, words: str) -> None:
        """Note what could not be brought into the account."""
        told = f"{resource.logical_id}: {words}"
        place = resource.place
        self.problems.setdefault(Problem(words=told, file=place.file, place=place))

    def note_gap(self, resource: Resource, area: Area, words: str, gap: str) -> None:
        """Note what is not known, as a problem and as a gap that is named after something."""
        self.note_problem(resource, words)
        told = f"{resource.logical_id}: {words}"
        self.gaps.setdefault(Gap(area=area, words=told, resource=gap))

    def open_exit(self, resource: Resource, source_arn: str, words: str) -> None:
        """Note that it is not known where events of a source go."""
        area = AREAS.get(node_of(source_arn).kind, Area.RESOURCE_POLICIES)
        self.note_gap(resource, area, words, source_arn)

    def open_entry(self, resource: Resource, target_arn: str, words: str) -> None:
        """Note that it is not known what sends events to a target."""
        node = node_of(target_arn)
        if node.kind is NodeKind.FUNCTION:
            self.note_gap(resource, Area.POLICIES, words, node.name)
        else:
            self.note_gap(resource, Area.RESOURCE_POLICIES, words, node.arn)

    def link(self, resource: Resource, source: Value, target: Value, words: str) -> tuple[str, str]:
        """Both ends of a trigger; empty texts where one is missing, which is noted.

        Parameters
        ----------
        source, target
            ARNs, as far as they are known.
        words
            What the trigger is called.
        """
        source_arn, target_arn = read_text(source), read_text(target)
        if source_arn and target_arn:
            return source_arn, target_arn
        missing = source if not source_arn else target
        why = describe_unknown(missing)
        if target_arn:
            self.open_entry(resource, target_arn, f"the source of this {words} is {why}")
        elif source_arn:
            self.open_exit(resource, source_arn, f"the target of this {words} is {why}")
        else:
            self.note_problem(resource, f"neither end of this {words} is known")
        return "", ""

    def refer(self, arns: Iterable[str]) -> None:
        """Remember what is named. Where it is at home is taken to be here, if that is not known."""
        own = {1: self.partition, 3: self.region, 4: self.account}
        for arn in arns:
            fields = arn.split(":", _ARN_FIELDS - 1)
            if len(fields) == _ARN_FIELDS:
                known = [
                    own[place] if place in own and not _UNKNOWN.isdisjoint(text) else text
                    for place, text in enumerate(fields)
                ]
                self.referred[":".join(known)] = None

    # -- what texts mean

    def read_function(self, value: Value) -> str:
        """The ARN of a function, with its qualifier, of any form that Lambda's API takes.

        Empty for what is not known, and for what names no function.
        """
        found = _FUNCTION.fullmatch(read_text(value)[:_LONGEST_REFERENCE])
        if found is None:
            return ""
        name, qualifier = found["name"], found["qualifier"] or ""
        home = found["home"] or f"arn:{self.partition}:lambda:{self.region}:"
        arn = f"{home}{found['account'] or self.account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier not in {"", _LATEST} else arn

    def read_bus(self, value: Value) -> str:
        """The ARN of a bus, of its name or ARN; the default bus where none is given."""
        if is_unknown(value):
            return ""
        name = read_text(value) or "default"
        if name.startswith("arn:"):
            return name
        return bus_arn(self.partition, self.region, self.account, name)

    def read_bucket(self, value: Value) -> str:
        """The ARN of a bucket, of its name or ARN; empty where it is not known."""
        name = read_text(value)
        return name if not name or name.startswith("arn:") else bucket_arn(self.partition, name)

    # -- what is not declared

    def list_undeclared(self, arns: Iterable[str]) -> Iterator[tuple[Area, str]]:
        """Those of this account and Region that no template declares, each once."""
        declared = {node_of(one.arn) for one in self.resources if one.arn}
        declared.add(node_of(self.read_bus(None)))
        for arn in dict.fromkeys(arns):
            node = node_of(arn)
            area = AREAS.get(node.kind)
            if area and node not in declared and not is_elsewhere(arn, self.account, self.region):
                declared.add(node)
                yield area, node.arn


def describe_unknown(value: Value) -> str:
    """Why a value is not known, as the end of a sentence."""
    why = getattr(value, "why", "")
    return f"not known: {why}" if why else "missing"
