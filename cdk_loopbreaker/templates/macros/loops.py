"""`Fn::ForEach`: a fragment for each element of a collection (AWS::LanguageExtensions)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_loopbreaker.templates.intrinsics.values import Result

_MOST: Final = 500_000  # values and characters that loops make
_LOOP: Final = "Fn::ForEach::"
_NOT_ALPHANUMERIC: Final = re.compile(r"[^A-Za-z0-9]")


@dataclass(slots=True, kw_only=True)
class LoopExpansion:
    """Writes out the loops of a template.

    `evaluate` gives the value of a collection, `report` says a problem, `file` is named in errors.
    """

    evaluate: Callable[[object], Result]
    report: Callable[[str], None]
    file: str
    _size: int = field(default=0)

    def expand(self, raw: object, bound: Mapping[str, str] | None = None) -> object:
        """What a part of a template is without its loops.

        Raises
        ------
        TemplateError
            When the loops make too many values.
        """
        bound = bound or {}
        self._size += 1
        if self._size > _MOST:
            raise TemplateError(f"{self.file}: Fn::ForEach makes too much of it")
        if isinstance(raw, str):
            return self._replace(raw, bound)
        if isinstance(raw, list):
            return [self.expand(one, bound) for one in raw]
        if not isinstance(raw, dict):
            return raw
        reference = raw.get("Ref")
        if len(raw) == 1 and isinstance(reference, str) and reference in bound:
            return bound[reference]
        expanded: dict[str, object] = {}
        for key, value in raw.items():
            if key.startswith(_LOOP):
                expanded |= self._repeat(key.removeprefix(_LOOP), value, bound)
            else:
                expanded[self._replace(key, bound)] = self.expand(value, bound)
        return expanded

    def _repeat(self, name: str, raw: object, bound: Mapping[str, str]) -> dict[str, object]:
        match raw:
            case [str(identifier), collection, dict(fragment)]:
                values = self._read_collection(collection, bound)
            case _:
                self.report(f"Fn::ForEach {name} cannot be read: it takes [name, list, fragment]")
                return {}
        if values is None:
            self.report(f"the list of Fn::ForEach {name} is not known; what it makes is missing")
            return {}
        made: dict[str, object] = {}
        for value in values:
            expanded = self.expand(fragment, {**bound, identifier: value})
            if isinstance(expanded, dict):
                made |= expanded
        return made

    def _read_collection(self, raw: object, bound: Mapping[str, str]) -> list[str] | None:
        values = self.evaluate(self.expand(raw, bound))
        if not isinstance(values, list):
            return None
        texts = [str(one) for one in values if isinstance(one, str | int | float)]
        return texts if len(texts) == len(values) else None

    def _replace(self, text: str, bound: Mapping[str, str]) -> str:
        """Put the elements in: ``&{Name}`` leaves out what cannot stand in a logical id."""
        if "{" not in text:
            return text
        for name, value in bound.items():
            for written, short in (
                (f"${{{name}}}", value),
                (f"&{{{name}}}", _NOT_ALPHANUMERIC.sub("", value)),
            ):
                added = text.count(written) * len(short)
                self._size += added
                if self._size <= _MOST:
                    text = text.replace(written, short)
        return text
