"""What a reading of templates returns: resources with resolved properties, and what is unknown.

Values are JSON values. What the templates do not tell stays visible in them: `Unknown` stands for
a whole value, `Partial` for a text of which some pieces are unknown. What a condition may leave
out is there, and marked (`MaybeText`, `MaybeList`, `MaybeMapping`): what it adds is possible, and
what it forbids or filters is no fact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the templates do not tell. `why` names it: ``parameter BucketName``."""

    why: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A text with unknown pieces, such as ``arn:aws:s3:::<unknown>/in/*``.

    Two texts or two unknown pieces never follow each other, and at least one piece is unknown.
    """

    pieces: tuple[str | Unknown, ...]

    @property
    def pattern(self) -> str:
        """The text as a pattern of IAM: ``*`` for each unknown piece."""
        return "".join("*" if isinstance(one, Unknown) else one for one in self.pieces)

    @property
    def why(self) -> str:
        """What is unknown of it."""
        return ", ".join(one.why for one in self.pieces if isinstance(one, Unknown))


class MaybeText(str):
    """A text that a condition leaves out, perhaps. `why` names the condition."""

    __slots__ = ("why",)
    why: str

    def __new__(cls, text: str, why: str) -> Self:
        """A text that may be left out."""
        made = super().__new__(cls, text)
        made.why = why
        return made

    def __repr__(self) -> str:
        """Differs from that of a text that is certainly there."""
        return f"maybe {super().__repr__()}"


class MaybeList(list["Value"]):
    """A list that a condition leaves out, perhaps, or some of its elements."""

    def __init__(self, elements: Iterable[Value], why: str) -> None:
        super().__init__(elements)
        self.why = why

    def __repr__(self) -> str:
        """Differs from that of a list that is certainly there."""
        return f"maybe {super().__repr__()}"


class MaybeMapping(dict[str, "Value"]):
    """A mapping that a condition leaves out, perhaps."""

    def __init__(self, values: Mapping[str, Value], why: str) -> None:
        super().__init__(values)
        self.why = why

    def __repr__(self) -> str:
        """Differs from that of a mapping that is certainly there."""
        return f"maybe {super().__repr__()}"


Value: TypeAlias = (
    "str | int | float | bool | Unknown | Partial | Sequence[Value] | Mapping[str, Value] | None"
)


def mark_optional(value: Value, why: str) -> Value:
    """A value that may be left out; a number or boolean that may be is unknown."""
    match value:
        case Unknown() | Partial():
            return value
        case str():
            return MaybeText(value, why)
        case dict():
            return MaybeMapping(value, why)
        case list():
            return MaybeList(value, why)
        case _:
            return Unknown(why)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a resource is declared.

    Attributes
    ----------
    file
        Path of the template as it was given, with ``/`` between folders.
    line
        Line of its logical id, from 1; 0 where the format tells none.
    stack
        Name of the stack; of a template outside of an assembly its file name without suffix, or
        the name of its folder where the file is only called ``template``. Two stacks never have
        the same name in an account and Region.
    logical_id
        As in the template that was written: of SAM before the expansion.
    construct_path
        Path in the construct tree; empty where the template is not from the CDK.
    """

    file: str
    line: int
    stack: str
    logical_id: str
    construct_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a template, with everything resolved that the templates tell.

    Attributes
    ----------
    type
        ``AWS::Lambda::Function``.
    properties
        Resolved. `AWS::NoValue` is left out.
    ref, arn, name
        What `Ref` gives, the ARN, and the physical name. A resource without a name of its own has
        one made of stack and logical id, as CloudFormation makes it. `arn` is empty for types that
        have none.
    attributes
        What `Fn::GetAtt` gives, of the attributes that are known: ``{"StreamArn": "arn:..."}``.
    is_account_known, is_region_known
        False where `account` or `region` is a stand-in.
    is_certain
        False where a condition decides whether it exists, or what it contains, and the templates
        do not tell which way. Lists of both ways are joined then.
    metadata
        `Metadata` of the resource, as it stands in the template.
    """

    type: str
    stack: str
    logical_id: str
    properties: Mapping[str, Value]
    ref: str
    arn: str
    place: Place
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    account: str
    region: str
    partition: str = "aws"
    is_account_known: bool = True
    is_region_known: bool = True
    is_certain: bool = True
    metadata: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """Something that a reading could not resolve. `place` is ``None`` for a whole file."""

    words: str
    file: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """All resources of all templates that were read together.

    Attributes
    ----------
    problems
        What could not be resolved, each once, in the order of files and lines.
    acknowledged
        By construct path (``Orders/Enrich``, without a slash in front): rules that the CDK app has
        acknowledged, with their reasons, as ``{"LB001": "three rounds at most"}``.
    """

    resources: tuple[Resource, ...] = ()
    problems: tuple[Problem, ...] = ()
    acknowledged: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
