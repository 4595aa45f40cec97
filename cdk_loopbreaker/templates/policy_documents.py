"""Policy documents of templates as the JSON that IAM would hold.

What is not known makes a statement weaker, never stronger: an unknown piece of a resource is ``*``
under a condition that nobody can decide, so that what it allows or denies is possible and never
certain. A statement of which the actions are not known is left out, and the document is incomplete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.templates.intrinsics.values import Symbol
from cdk_loopbreaker.templates.model import Partial, Unknown
from cdk_loopbreaker.templates.property_values import (
    TOO_DEEP,
    find_doubt,
    find_optional,
    find_unknown,
    get_doubt,
    is_doubtful,
    is_too_deep,
    is_unknown,
    read_list,
    read_mapping,
    read_path,
    read_text,
    write_json,
)
from functions.domain.graph.nodes import node_of
from functions.domain.graph.writes.read_calls import is_read
from functions.domain.graph.writes.write_actions import ARN_HEADS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdk_loopbreaker.templates.home import Home
    from cdk_loopbreaker.templates.model import Value

_VERSION: Final = "2012-10-17"
_SOURCE_ARN: Final = "aws:sourcearn"
_WILDCARDS: Final = frozenset("*?$")
_WHERE: Final = "the account and Region"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9 ._-]+")
_ANYBODY: Final = {"AWS": "*"}
# An operator that IAM does not have: whoever reads it can decide neither way, and says so in the
# words that it makes, such as `depends on parameter BucketName`.
_DEPENDS, _ON = "depends", "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPolicy:
    """A policy document.

    Attributes
    ----------
    statements
        As in JSON, each with a Sid of its own.
    malformed
        The whole text of a document that has no statements, because it is none.
    unread
        What is missing of it, because it is not known; empty for nothing.
    named
        ARNs that statements name, and allow something of that is no read. Pieces that are not known
        stand in angle brackets: ``arn:aws:s3:::<parameter Bucket>``.
    """

    statements: tuple[Any, ...] = ()
    malformed: str = ""
    unread: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The document as JSON."""
        return self.malformed or json.dumps(
            {"Version": _VERSION, "Statement": self.statements},
            separators=(",", ":"),
            ensure_ascii=False,
            default=str,
        )


def write_policy(document: Value, doubt: str = "", home: Home | None = None) -> WrittenPolicy:
    """Write a policy document.

    Parameters
    ----------
    document
        An object, or its JSON.
    doubt
        What decides whether the policy exists at all; empty where it certainly does.
    home
        Of the stack: what names another one may mean the own one, where nothing tells which it is.
    """
    doubt = doubt or get_doubt(document)
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return WrittenPolicy(malformed=str(document) or "{}")
    if isinstance(document, Unknown | Partial):
        return WrittenPolicy(unread=(document.why,))
    if is_too_deep(document):
        return WrittenPolicy(unread=(TOO_DEEP.why,))
    if not isinstance(document, Mapping):
        return WrittenPolicy(malformed=write_json(document))
    # Of two ways of a condition each statement may be the one that is left out.
    statements = read_path(document, "Statement")
    doubt = doubt or get_doubt(statements)
    written = [
        _write_statement(statement, number, doubt, home)
        for number, statement in enumerate(read_list(statements), 1)
    ]
    return join_policies(written)


def join_policies(written: Iterable[WrittenPolicy]) -> WrittenPolicy:
    """One document with the statements of several, as if they had been added one by one."""
    statements: list[Any] = []
    unread: dict[str, None] = {}
    named: set[str] = set()
    used: set[str] = set()
    for one in written:
        if one.malformed:
            return one
        unread.update(dict.fromkeys(one.unread))
        named |= one.named
        for statement in one.statements:
            own = statement
            if isinstance(own, dict) and own.get("Sid") in used:
                own = {**own, "Sid": f"{own['Sid']} ({len(statements) + 1})"}
            if isinstance(own, dict):
                used.add(str(own.get("Sid")))
            statements.append(own)
    return WrittenPolicy(statements=tuple(statements), unread=tuple(unread), named=frozenset(named))


def _write_statement(statement: Value, number: int, doubt: str, home: Home | None) -> WrittenPolicy:
    if isinstance(statement, Unknown | Partial):
        return WrittenPolicy(unread=(statement.why,))
    if not isinstance(statement, Mapping):
        return WrittenPolicy(statements=(write_json(statement),))
    rest = {
        name: value
        for name, value in statement.items()
        if name not in {"Sid", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"}
    }
    missing = find_unknown(rest) or find_optional(rest.get("NotAction"))
    known = {name: _keep_known(value) for name, value in rest.items()}
    actions = known.get("Action", known.get("NotAction"))
    if missing and (not actions or "NotAction" in known or is_unknown(rest.get("Effect"))):
        return WrittenPolicy(unread=(missing,))
    sid = read_text(statement.get("Sid")) or f"statement {number}"
    doubts = [one for one in (doubt, find_optional(statement)) if one]
    principals = _write_principals(statement, doubts)
    conditions = _write_conditions(statement.get("Condition"), doubts, home)
    resources, patterns, names = _write_resources(statement, doubts, home)
    both = {**known, **principals}
    found = []
    if resources is not None:
        found.append({"Sid": sid, **both, **resources, **_depend(conditions, doubts)})
    if patterns:
        limits = _depend(conditions, [*doubts, *patterns.values()])
        own = sid if resources is None else f"{sid}, {next(iter(patterns.values()))}"
        found.append({"Sid": own, **both, "Resource": list(patterns), **limits})
    is_write = known.get("Effect") == "Allow" and _is_more_than_reading(actions)
    return WrittenPolicy(
        statements=tuple(found),
        unread=(missing,) if missing else (),
        named=names if is_write else frozenset(),
    )


def _keep_known(value: Value) -> Any:
    """A value without the elements of a list that are not known."""
    if isinstance(value, list | tuple):
        return [one for one in value if not find_unknown(one)]
    return None if find_unknown(value) else value


def _is_more_than_reading(actions: Value) -> bool:
    return any(not is_read(read_text(one).rpartition(":")[2]) for one in read_list(actions))


def _write_resources(
    statement: Mapping[str, Value], doubts: list[str], home: Home | None
) -> tuple[dict[str, Any] | None, dict[str, str], frozenset[str]]:
    """The element with what is known, the patterns of what is not, and the ARNs that are named.

    Without an element that is known there is no statement of it: ``None``.
    """
    if "NotResource" in statement:
        listed = read_list(statement["NotResource"])
        optional = find_optional(statement["NotResource"])
        kept = [] if optional else [one for one in listed if not is_unknown(one)]
        if not optional and len(kept) < len(listed):
            doubts.append(find_unknown(list(listed)))
        if any(_adopt(one, home) for one in kept):
            doubts.append(_WHERE)
            kept = []
        return ({"NotResource": kept} if kept else {"Resource": "*"}), {}, frozenset()
    if "Resource" not in statement:
        return {}, {}, frozenset()
    known: list[Value] = []
    named: set[str] = set()
    patterns: dict[str, str] = {}
    for one in read_list(statement["Resource"]):
        if isinstance(one, Partial):
            patterns.setdefault(one.pattern, one.why)
            named.add(_name_pieces(one))
        elif isinstance(one, Unknown):
            patterns.setdefault("*", one.why)
            named.update(_name_unknown(one, statement.get("Action")))
        else:
            known.append(one)
            named.add(read_text(one))
            if own := _adopt(one, home):
                patterns.setdefault(own, _WHERE)
    names = frozenset(one for one in named if _is_name(one))
    if not known and patterns:
        return None, patterns, names
    is_single = not isinstance(statement["Resource"], list | tuple)
    return {"Resource": known[0] if is_single and known else known}, patterns, names


def _adopt(value: Value, home: Home | None) -> str:
    """The ARN that this one may be of the own account and Region; empty for the same."""
    text = read_text(value)
    own = home.adopt(text) if home else text
    return "" if own == text else own


def _name_pieces(partial: Partial) -> str:
    """A text in which what is not known is called what it depends on."""
    return "".join(
        f"<{_NOT_IN_NAMES.sub(' ', one.why)}>" if isinstance(one, Unknown) else one
        for one in partial.pieces
    )


def _name_unknown(unknown: Unknown, actions: Value) -> Iterator[str]:
    """Names for something of which only is known what is done to it."""
    services = {read_text(one).partition(":")[0].lower() for one in read_list(actions)}
    for service, prefix in ARN_HEADS.values():
        if service in services:
            yield f"arn:*:{service}:*:*:{prefix}<{_NOT_IN_NAMES.sub(' ', unknown.why)}>"


def _is_name(arn: str) -> bool:
    """Whether an ARN names one resource, though perhaps everything in it."""
    return arn.startswith("arn:") and _WILDCARDS.isdisjoint(node_of(arn).name)


def _write_principals(statement: Mapping[str, Value], doubts: list[str]) -> dict[str, Any]:
    """Who is meant; everybody, perhaps, where that is not known."""
    for name in ("Principal", "NotPrincipal"):
        if name not in statement:
            continue
        value = statement[name]
        why = find_unknown(value) or (find_optional(value) if name == "NotPrincipal" else "")
        if not why:
            return {name: value}
        doubts.append(why)
        if not isinstance(value, Mapping) or name == "NotPrincipal":
            return {"Principal": _ANYBODY}
        kept: dict[str, Any] = {}
        for kind, listed in value.items():
            elements = read_list(listed)
            kept[kind] = ["*" if is_unknown(one) else one for one in elements]
        return {"Principal": kept}
    return {}


def _write_conditions(value: Value, doubts: list[str], home: Home | None) -> dict[str, Any]:
    """The lines that are known; what is not known of the others casts a doubt."""
    why = find_doubt(value) or _find_stand_in(value, home)
    if not why or not isinstance(value, Mapping) or is_doubtful(value):
        if why:
            doubts.append(why)
        return {} if value is None or why else {"Condition": value}
    doubts.append(why)
    kept: dict[str, dict[str, Any]] = {}
    for operator, lines in value.items():
        is_sure = isinstance(lines, Mapping) and not is_doubtful(lines)
        for key, values in lines.items() if isinstance(lines, Mapping) else ():
            if is_sure and not find_doubt(values) and not _is_about_home(key, values, home):
                kept.setdefault(operator, {})[key] = values
            elif key.lower() == _SOURCE_ARN and "not" not in operator.lower():
                # Who reads it only asks which sources may be meant.
                kept.setdefault("ArnLike", {})[key] = [
                    one.pattern if isinstance(one, Partial) else read_text(one) or "*"
                    for one in read_list(values)
                ]
    return {"Condition": kept} if kept else {}


def _find_stand_in(conditions: Value, home: Home | None) -> str:
    """Why a line that compares an account or Region is not decided; empty where none is."""
    is_open = any(
        _is_about_home(key, values, home)
        for lines in read_mapping(conditions).values()
        for key, values in read_mapping(lines).items()
    )
    return _WHERE if is_open else ""


def _is_about_home(key: str, values: Value, home: Home | None) -> bool:
    """Whether a line compares an account or Region of which only a stand-in is known.

    What the template itself calls its own (`AWS::Region`) is the own one, whatever it is.
    """
    if home is None or home.is_known:
        return False
    literal = [one for one in read_list(values) if not isinstance(one, Symbol)]
    match key.lower():
        case "aws:requestedregion":
            return bool(literal) and not home.is_region_known
        case "aws:principalaccount":
            return bool(literal) and not home.is_account_known
        case "aws:principalarn" | "lambda:sourcefunctionarn":
            return any(_adopt(one, home) for one in literal)
    return False


def _depend(conditions: dict[str, Any], doubts: list[str]) -> dict[str, Any]:
    """A Condition with what nobody here can decide."""
    if not doubts:
        return conditions
    own = conditions.get("Condition", {})
    if not isinstance(own, Mapping):
        return conditions  # malformed, and to be reported as such
    return {"Condition": {**own, _DEPENDS: {_ON: list(dict.fromkeys(doubts))}}}
