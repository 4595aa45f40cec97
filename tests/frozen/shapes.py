"""What records look like: every class that is stored, its fields, and the values of its enums.

It is read from the code, so nothing that is stored can be left out. A set of frozen records keeps
the shapes that it was written with.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import types
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from functions.aws.account import facts
from functions.domain.account.configuration_change import Change
from functions.domain.diagnosis.facts import DeniedCall
from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.diagnosis.triage import Progress
from functions.domain.graph.refresh import ChartState
from functions.domain.graph.summary import LoopBook
from functions.domain.incidents.history import PastIncident
from functions.domain.incidents.incident import Incident
from functions.domain.notices.outbox import OutboxNotice
from functions.domain.pulse.memory import PulseMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

_AWS: Final = Path(__file__).resolve().parents[2] / "functions" / "aws"
_ROOTS: Final = (
    Incident,
    PastIncident,
    PulseMemory,
    FindingBook,
    Remediation,
    Progress,
    DeniedCall,
    ChartState,
    OutboxNotice,
    Change,
    LoopBook,
    *(one.shape for one in facts.SECTIONS),
)
"""Some sections of the facts hold texts or lists, which have no class of their own."""


@functools.cache
def stored_shapes() -> dict[str, Any]:
    """All shapes by the names of their classes.

    A dataclass has its fields with their types, and a question mark behind those that a record may
    lack. An enum has its values.
    """
    found: dict[str, Any] = {}
    known: dict[str, Any] = {}
    waiting = [one for root in _ROOTS for one in _classes(root)]
    while waiting:
        shape = waiting.pop()
        if known.setdefault(shape.__name__, shape) is not shape:
            raise ValueError(f"two classes that are stored have the name {shape.__name__}")
        if shape.__name__ in found:
            continue
        if issubclass(shape, Enum):
            found[shape.__name__] = sorted(str(one.value) for one in shape)
            continue
        hints = get_type_hints(shape)
        found[shape.__name__] = {
            one.name: f"{_text(hints[one.name])}{'?' if _has_default(one) else ''}"
            for one in dataclasses.fields(shape)
        }
        waiting += [one for hint in hints.values() for one in _classes(hint)]
    return dict(sorted(found.items()))


@functools.cache
def stored_partitions() -> tuple[str, ...]:
    """The names of the table's partitions, as far as they are the same for every account.

    They are the first arguments of the calls that make keys, in all modules that know the table.
    """
    found: set[str] = set()
    for path in sorted(_AWS.rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "build_key":
                found.add(_beginning(node.args[0], constants))
    return tuple(sorted(found - {""}))


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {"CHART": "chart"}  # imported
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[node.target.id] = value.value
    return found


def _beginning(node: ast.expr, constants: Mapping[str, str]) -> str:
    """The part of a key that is always the same; empty for an argument or an attribute."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return constants.get(name, "")
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id=name)), *_]):
            return constants.get(name, "")
        case ast.Attribute(attr="_key"):  # the facts' partition is named after account and Region
            return "account#"
        case _:
            return ""


def _has_default(one: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return one.default is not missing or one.default_factory is not missing


def _classes(hint: Any) -> list[Any]:
    if get_args(hint):
        return [one for inner in get_args(hint) for one in _classes(inner)]
    is_class = isinstance(hint, type) and hint is not datetime
    return [hint] if is_class and (dataclasses.is_dataclass(hint) or issubclass(hint, Enum)) else []


def _text(hint: Any) -> str:
    """A type in a form that does not depend on the version of Python."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return "|".join(sorted(_text(one) for one in inner))
    if origin is not None:
        return f"{origin.__name__}[{','.join(_text(one) for one in inner)}]"
    return "..." if hint is Ellipsis else str(getattr(hint, "__name__", hint))
