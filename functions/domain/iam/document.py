"""Policy documents as data.

Shapes: `IAM JSON policy elements reference` of the IAM user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from functions.domain.account.strict_json import Json, UnreadableJsonError, read_json
from functions.domain.errors import LoopbreakerError
from functions.domain.iam.wildcard import matches

_PRINCIPAL_KINDS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_STATEMENT_KEYS: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "Condition",
    }
)


class MalformedPolicyError(LoopbreakerError):
    """When a text is no policy document: names the policy, the place in it and what is wrong."""


class Effect(StrEnum):
    """What a statement does with what it speaks of."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Patterns, or with `is_inverted` everything but what they match (NotAction, NotResource)."""

    patterns: tuple[str, ...]
    is_inverted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One principal: `kind` is AWS, Service, Federated or CanonicalUser; `value` may be ``*``."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """The principals of a resource policy's statement; inverted for NotPrincipal."""

    listed: tuple[Principal, ...]
    is_inverted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One line of a Condition block: it holds if one of the values fits (all are strings).

    `operator` and `key` are as written; both are compared without case.
    """

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement.

    Attributes
    ----------
    name
        The Sid, or ``statement 2`` for one that has none: what people find it by.
    resources
        ``None`` where the document has neither Resource nor NotResource (as in trust policies).
    principals
        ``None`` in identity policies.
    conditions
        All of them have to hold.
    within
        ARN of the resource whose policy the statement is of: whatever its patterns match, it
        speaks of this one and what is in it. Empty in identity policies.
    """

    name: str
    effect: Effect
    actions: Selection
    resources: Selection | None = None
    principals: Principals | None = None
    conditions: tuple[Condition, ...] = ()
    within: str = ""

    def speaks_of(self, action: str) -> bool:
        """Whether the statement is about the action (``s3:PutObject``; case does not count)."""
        is_named = any(matches(own, action, ignore_case=True) for own in self.actions.patterns)
        return is_named is not self.actions.is_inverted


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy with the name that people find it by."""

    name: str
    statements: tuple[Statement, ...]


def parse_policy(text: str, name: str) -> PolicyDocument:
    """Read a policy document.

    Parameters
    ----------
    text
        JSON, URL-decoded.
    name
        The policy's name, for statements and errors.

    Raises
    ------
    MalformedPolicyError
        For everything that IAM would not have taken: the only error, whatever the text.
    """
    place = f"policy {name}"
    try:
        document = read_json(text)
    except UnreadableJsonError as error:
        raise MalformedPolicyError(f"{place}: {error}") from error
    if not isinstance(document, Mapping):
        raise MalformedPolicyError(f"{place}: is {_describe_kind(document)}, not an object")
    if "Statement" not in document:
        raise MalformedPolicyError(f"{place}: has no Statement")
    listed = document["Statement"]
    items = listed if isinstance(listed, list) else [listed]
    statements = tuple(
        _parse_statement(item, place, number) for number, item in enumerate(items, 1)
    )
    sids = [item["Sid"] for item in items if isinstance(item, Mapping) and item.get("Sid")]
    for number, sid in enumerate(sids):
        if sid in sids[:number]:
            raise MalformedPolicyError(f"{place}: Sid {_quote(sid)} stands twice")
    return PolicyDocument(name=name, statements=statements)


def _parse_statement(item: Json, policy: str, number: int) -> Statement:
    place = f"{policy}, statement {number}"
    if not isinstance(item, Mapping):
        raise MalformedPolicyError(f"{place}: is {_describe_kind(item)}, not an object")
    for key in item:
        if key not in _STATEMENT_KEYS:
            raise MalformedPolicyError(f"{place}: unknown element {_quote(key)}")
    sid = item.get("Sid", "")
    if not isinstance(sid, str):
        raise MalformedPolicyError(f"{place}, Sid: is {_describe_kind(sid)}, not a text")
    effect = item.get("Effect")
    if effect not in (Effect.ALLOW.value, Effect.DENY.value):
        raise MalformedPolicyError(f"{place}, Effect: is neither Allow nor Deny")
    actions = _parse_selection(item, "Action", place)
    if actions is None:
        raise MalformedPolicyError(f"{place}: has neither Action nor NotAction")
    return Statement(
        name=sid or f"statement {number}",
        effect=Effect(effect),
        actions=actions,
        resources=_parse_selection(item, "Resource", place),
        principals=_parse_principals(item, place),
        conditions=_parse_conditions(item.get("Condition", {}), f"{place}, Condition"),
    )


def _parse_selection(item: Mapping[str, Json], key: str, place: str) -> Selection | None:
    inverted = f"Not{key}"
    if key in item and inverted in item:
        raise MalformedPolicyError(f"{place}: has both {key} and {inverted}")
    for name, is_inverted in ((key, False), (inverted, True)):
        if name in item:
            return Selection(
                patterns=_parse_texts(item[name], f"{place}, {name}"), is_inverted=is_inverted
            )
    return None


def _parse_principals(item: Mapping[str, Json], place: str) -> Principals | None:
    if "Principal" in item and "NotPrincipal" in item:
        raise MalformedPolicyError(f"{place}: has both Principal and NotPrincipal")
    for name, is_inverted in (("Principal", False), ("NotPrincipal", True)):
        if name in item:
            listed = _parse_principal_list(item[name], f"{place}, {name}")
            return Principals(listed=listed, is_inverted=is_inverted)
    return None


def _parse_principal_list(value: Json, place: str) -> tuple[Principal, ...]:
    if value == "*":
        return (Principal(kind="AWS", value="*"),)
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(f"{place}: is {_describe_kind(value)}, neither an object nor *")
    for kind in value:
        if kind not in _PRINCIPAL_KINDS:
            raise MalformedPolicyError(f"{place}: unknown kind {_quote(kind)}")
    return tuple(
        Principal(kind=kind, value=text)
        for kind, texts in value.items()
        for text in _parse_texts(texts, f"{place}, {kind}")
    )


def _parse_conditions(value: Json, place: str) -> tuple[Condition, ...]:
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(f"{place}: is {_describe_kind(value)}, not an object")
    found: list[Condition] = []
    for operator, keys in value.items():
        if not isinstance(keys, Mapping):
            raise MalformedPolicyError(
                f"{place}, {_quote(operator)}: is {_describe_kind(keys)}, not an object"
            )
        for key, values in keys.items():
            where = f"{place}, {_quote(operator)}, {_quote(key)}"
            found.append(
                Condition(operator=operator, key=key, values=_parse_scalars(values, where))
            )
    return tuple(found)


def _parse_texts(value: Json, place: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) < len(items):
        raise MalformedPolicyError(f"{place}: is neither a text nor a list of texts")
    return texts


def _parse_scalars(value: Json, place: str) -> tuple[str, ...]:
    """Condition values: AWS takes numbers and booleans without quotes as well."""
    items = value if isinstance(value, list) else [value]
    found: list[str] = []
    for item in items:
        if isinstance(item, bool):
            found.append(str(item).lower())
        elif isinstance(item, str | int | float):
            found.append(str(item))
        else:
            raise MalformedPolicyError(f"{place}: holds {_describe_kind(item)}")
    return tuple(found)


def _describe_kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _quote(value: Json) -> str:
    """A word of the document in an error: short, on one line."""
    return ascii(value)[:60]
