"""Evaluates the values of one stack: intrinsic functions, references, conditions.

Everything is evaluated when it is asked for, and once. What the templates do not tell becomes
`Unknown` with its reason. Whoever looks at such a value reports it; only what nobody could expect
(a reference to nothing, a function that does not exist, an import that nobody exports) is reported
here.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from cdk_loopbreaker.templates.intrinsics.choices import CHOICES, judge_condition
from cdk_loopbreaker.templates.intrinsics.effort import (
    MOST_DEPTH,
    MOST_TEXT,
    REFERENCE_DEPTH,
)
from cdk_loopbreaker.templates.intrinsics.references import REFERENCES, refer
from cdk_loopbreaker.templates.intrinsics.texts import TEXTS, read_dynamic_references
from cdk_loopbreaker.templates.intrinsics.values import NO_VALUE, are_same, join_lists, measure
from cdk_loopbreaker.templates.model import MaybeList, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cdk_loopbreaker.templates.identity.identity import Identity
    from cdk_loopbreaker.templates.intrinsics.effort import (
        Effort,
    )
    from cdk_loopbreaker.templates.intrinsics.log import ProblemLog
    from cdk_loopbreaker.templates.intrinsics.stack import Stack
    from cdk_loopbreaker.templates.intrinsics.values import Result
    from cdk_loopbreaker.templates.model import Place, Value

Function: TypeAlias = "Callable[[Evaluator, object], Result]"
_FUNCTIONS: Final[Mapping[str, Function]] = {**CHOICES, **REFERENCES, **TEXTS}


class Neighbours(Protocol):
    """What a stack can see of the stacks that are read with it."""

    log: ProblemLog

    def find_export(self, stack: Stack, name: str) -> Value | None:
        """The value of an export in the account and Region of a stack; ``None`` for none."""
        ...

    def find_output(self, stack: Stack, name: str, region: str, output: str) -> Value | None:
        """The value of an output of a stack by its name; ``None`` for none."""
        ...

    def find_nested(self, owner: Evaluator, logical_id: str) -> Evaluator | None:
        """The stack that a resource of a stack nests; ``None`` where its template is missing."""
        ...

    def identify(self, owner: Evaluator, logical_id: str) -> Identity:
        """What a resource of a stack is called."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Evaluator:
    """Evaluates what stands in the template of a stack.

    Attributes
    ----------
    symbols
        Texts for parameters that have no value and that name a resource of the template.
    place
        The resource that is evaluated, for problems.
    is_joined
        Whether a value was joined out of both ways of a condition since this was last reset.
    """

    stack: Stack
    neighbours: Neighbours
    effort: Effort
    symbols: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None
    is_joined: bool = False
    _known: dict[tuple[str, str], Result] = field(default_factory=dict)

    def report(self, words: str) -> None:
        """Report a problem at the resource that is evaluated."""
        self.neighbours.log.add(words, self.stack.file, self.place)

    def evaluate(self, raw: object) -> Result:
        """The value of what stands in the template."""
        if isinstance(raw, str):
            return read_dynamic_references(raw) if "{{resolve:" in raw else raw
        if isinstance(raw, bool | int | float):
            return raw
        if raw is None:
            return NO_VALUE
        effort = self.effort
        if effort.is_too_deep:
            self.report(f"values and references nest more than {MOST_DEPTH} deep")
            return Unknown("nested too deeply")
        effort.depth += 1
        try:
            if isinstance(raw, dict):
                return self._evaluate_mapping(raw)
            return self._evaluate_list(raw) if isinstance(raw, list) else Unknown("no value")
        finally:
            effort.depth -= 1

    def _evaluate_mapping(self, raw: dict[str, object]) -> Result:
        if len(raw) == 1:
            ((name, argument),) = raw.items()
            function = _FUNCTIONS.get(name)
            if function is not None:
                return self._apply(function, argument)
            if name.startswith("Fn::"):
                self.report(f"{name} is not a function that is known here")
                return Unknown(name)
        values: dict[str, Value] = {}
        for key, one in raw.items():
            if key.startswith("Fn::"):
                self.report(f"{key} stands beside other keys; what it adds is not known")
                continue
            value = self.evaluate(one)
            if value is not NO_VALUE:
                values[key] = value
        return values

    def _apply(self, function: Function, argument: object) -> Result:
        if self.effort.is_spent:
            self.report(f"functions of the templates make more than {MOST_TEXT:,} characters")
            return Unknown("more than can be read")
        return function(self, argument)

    def _evaluate_list(self, raw: list[object]) -> Value:
        values: list[Value] = []
        why = ""
        for one in raw:
            value = self._evaluate_element(one)
            if isinstance(value, Alternatives):
                values.extend(value.values)
                why = why or value.why
            elif value is not NO_VALUE:
                values.append(value)
        return MaybeList(values, why) if why else values

    def _evaluate_element(self, raw: object) -> Result | Alternatives:
        """An element of a list; one that a condition chooses may be both ways' element."""
        match raw:
            case {"Fn::If": [str(name), one, other], **rest} if not rest:
                if judge_condition(self, name) is None:
                    self.is_joined = True
                    ways = (self.evaluate(one), self.evaluate(other))
                    values = join_lists(*([way] for way in ways if way is not NO_VALUE))
                    is_same = are_same(*ways)
                    return Alternatives(values, "" if is_same else f"condition {name}")
        return self.evaluate(raw)

    def evaluate_text(self, raw: object) -> str | None:
        """The value as a text, if it is a known one."""
        value = self.evaluate(raw)
        return str(value) if isinstance(value, str) else None

    def spend(self, value: Value) -> Value:
        """A text or list that a function has made, which counts towards the bound of a reading."""
        self.effort.characters += measure(value)
        return value

    def once(self, kind: str, name: str, evaluate: Callable[[], Result]) -> Result:
        """A value that is evaluated once; unknown where it leads back to itself."""
        key = (kind, name)
        if key in self._known:
            return self._known[key]
        with self.enter(kind, name) as is_new:
            if not is_new:
                self.report(f"{kind} {name} refers to itself")
                return Unknown(f"{kind} {name}, which refers to itself")
            value = evaluate()
        self._known[key] = value
        return value

    @contextmanager
    def enter(self, kind: str, name: str) -> Iterator[bool]:
        """Mark something as being evaluated; tells whether it was not already."""
        key = (id(self), kind, name)
        if key in self.effort.active:
            yield False
            return
        self.effort.active.add(key)
        self.effort.depth += REFERENCE_DEPTH
        try:
            yield True
        finally:
            self.effort.depth -= REFERENCE_DEPTH
            self.effort.active.discard(key)

    @contextmanager
    def at(self, logical_id: str) -> Iterator[Place]:
        """Evaluate a resource: problems are reported at its place."""
        before = (self.place, self.is_joined)
        place = self.stack.place(logical_id)
        self.place, self.is_joined = place, False
        try:
            yield place
        finally:
            self.place, self.is_joined = before

    def read_property(self, logical_id: str, name: str) -> Value | None:
        """A property of a resource; ``None`` where it is left out."""
        resource = self.stack.section("Resources").get(logical_id)
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if not isinstance(properties, dict) or name not in properties:
            return None
        value = self.evaluate(properties[name])
        return None if value is NO_VALUE else value

    def judge_existence(self, logical_id: str) -> bool | None:
        """Whether a resource exists; ``None`` where a condition decides that is not known."""
        resource = self.stack.section("Resources").get(logical_id)
        condition = resource.get("Condition") if isinstance(resource, dict) else None
        return True if not isinstance(condition, str) else judge_condition(self, condition)

    def refer(self, name: str) -> Result:
        """What `Ref` gives."""
        return refer(self, name)

    def judge(self, name: str) -> bool | None:
        """Whether a condition holds; ``None`` where the templates do not tell."""
        return judge_condition(self, name)

    def read_output(self, name: str) -> Value | None:
        """The value of an output; ``None`` where there is none."""
        output = self.stack.section("Outputs").get(name)
        if not isinstance(output, dict) or "Value" not in output:
            return None
        value = self.once("output", name, lambda: self.evaluate(output["Value"]))
        return Unknown(f"output {name}") if value is NO_VALUE else value


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Elements of which one or the other is in a list. `why`: empty where both are the same."""

    values: list[Value]
    why: str
