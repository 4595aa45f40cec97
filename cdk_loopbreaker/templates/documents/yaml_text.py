"""YAML with CloudFormation's short forms, and the lines of its logical ids.

The parser's events are put together here, not by the parser: its own composer recurses without a
bound, and its own constructor turns ``2012-10-17`` into a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from cdk_loopbreaker.templates.documents.text_error import MOST_DEPTH, MOST_VALUES, TextError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADER: Final = getattr(yaml, "CLoader", yaml.Loader)
_MOST_DIGITS: Final = 30
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
# A number with a leading zero is a text: account ids have one.
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_OF_A_RESOURCE: Final = 2  # how deep logical ids stand


def parse_yaml(text: str) -> tuple[object, Mapping[str, int]]:
    """The values of a YAML text, and the line of each key under `Resources`.

    ``!Ref X`` becomes ``{"Ref": "X"}``, ``!GetAtt A.Arn`` becomes ``{"Fn::GetAtt": ["A", "Arn"]}``.

    Raises
    ------
    TextError
        When the text is no YAML, nests too deeply, or unfolds to too many values.
    """
    composer = _Composer()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = error.problem or error.context or "it cannot be parsed"
        line = min(mark.line, text.count("\n")) + 1 if mark else 0  # the end is a line of its own
        raise TextError(words, line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise TextError("a control character stands in it", line) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise TextError("it cannot be parsed") from error
    return composer.root, composer.lines


@dataclass(slots=True, kw_only=True)
class _Open:
    """A list or mapping that is being read: its values, and how many and how deep they are."""

    values: list[object] | dict[str, object]
    tag: str
    anchor: str | None
    key: str | None = None
    size: int = 1
    height: int = 1
    merged: list[object] = field(default_factory=list)


@dataclass(slots=True)
class _Composer:
    """Puts the events of a parser together, without recursion."""

    root: object = None
    lines: dict[str, int] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    _documents: int = 0
    _section: str = ""

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.ScalarEvent():
                self._take_scalar(event, line)
            case yaml.MappingStartEvent():
                self._start({}, event, line)
            case yaml.SequenceStartEvent():
                self._start([], event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(line)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise TextError(f"*{event.anchor} stands for nothing, or for itself", line)
                self._add(*self._anchors[event.anchor], line=line)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise TextError("a second document begins; a template is one", line)

    def _take_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        owner = self._open[-1] if self._open else None
        if owner is not None and isinstance(owner.values, dict) and owner.key is None:
            if event.anchor:
                self._anchors[event.anchor] = (event.value, 1, 1)
            self._take_key(owner, event.value, line)
            return
        value: object = event.value
        if event.implicit[0]:
            value = read_scalar(event.value)
        value = _apply_tag(event.tag, value if event.tag in {None, "!"} else event.value)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 1)
        self._add(value, 1, 1, line=line)

    def _take_key(self, owner: _Open, key: str, line: int) -> None:
        owner.key = key
        depth = len(self._open)
        if depth == 1:
            self._section = key
        elif depth == _OF_A_RESOURCE and self._section == "Resources":
            self.lines[key] = line

    def _start(
        self,
        values: list[object] | dict[str, object],
        event: yaml.CollectionStartEvent,
        line: int,
    ) -> None:
        owner = self._open[-1] if self._open else None
        if owner is not None and isinstance(owner.values, dict) and owner.key is None:
            raise TextError("a list or mapping cannot be a key", line)
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(values=values, tag=event.tag or "", anchor=event.anchor))
        self._check_depth(1, line)

    def _end(self, line: int) -> None:
        done = self._open.pop()
        if isinstance(done.values, dict):
            for one in done.merged:
                _merge(one, done.values)
        value = _apply_tag(done.tag, done.values)
        if done.anchor:
            self._anchors[done.anchor] = (value, done.size, done.height)
        self._add(value, done.size, done.height, line=line)

    def _add(self, value: object, size: int, height: int, *, line: int) -> None:
        if not self._open:
            self.root = value
            return
        owner = self._open[-1]
        self._check_depth(height, line)
        owner.size += size
        owner.height = max(owner.height, height + 1)
        if owner.size > MOST_VALUES:
            raise TextError(f"it unfolds to more than {MOST_VALUES:,} values", line)
        if isinstance(owner.values, list):
            owner.values.append(value)
        elif owner.key is None:
            self._take_key(owner, str(value), line)  # an alias as a key
        else:
            if owner.key == "<<":
                owner.merged.append(value)
            else:
                owner.values[owner.key] = value
            owner.key = None

    def _check_depth(self, height: int, line: int) -> None:
        if len(self._open) + height > MOST_DEPTH + 1:
            raise TextError(f"values nest more than {MOST_DEPTH} deep", line)


def read_scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain text; dates and account ids stay texts.

    >>> read_scalar("yes"), read_scalar("012345678901"), read_scalar("2012-10-17")
    (True, '012345678901', '2012-10-17')
    """
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] not in "+-.0123456789" or len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _apply_tag(tag: str | None, value: object) -> object:
    """Write a short form out; tags of YAML itself say nothing that matters."""
    if not tag or not tag.startswith("!") or tag == "!":
        return value
    name = tag[1:]
    if name in {"Ref", "Condition"}:
        return {name: value}
    if name == "GetAtt" and isinstance(value, str):
        return {"Fn::GetAtt": value.split(".", 1)}
    return {f"Fn::{name}": value}


def _merge(merged: object, into: dict[str, object]) -> None:
    """``<<: *defaults``: what the mapping says itself wins."""
    for one in merged if isinstance(merged, list) else [merged]:
        if isinstance(one, dict):
            for key, value in one.items():
                into.setdefault(key, value)
