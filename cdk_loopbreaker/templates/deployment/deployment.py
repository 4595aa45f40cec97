"""All stacks that are read together, and what they see of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.deployment.symbols import make_symbols
from cdk_loopbreaker.templates.documents.document import is_file, read_document
from cdk_loopbreaker.templates.documents.source import NO_INDEX
from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.identity.identity import Identity, Subject
from cdk_loopbreaker.templates.identity.names import identify
from cdk_loopbreaker.templates.intrinsics.effort import Effort
from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator
from cdk_loopbreaker.templates.intrinsics.log import ProblemLog
from cdk_loopbreaker.templates.intrinsics.stack import Stack
from cdk_loopbreaker.templates.intrinsics.values import NO_VALUE
from cdk_loopbreaker.templates.macros.expand import expand_macros
from cdk_loopbreaker.templates.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_loopbreaker.templates.documents.document import Document
    from cdk_loopbreaker.templates.documents.source import ConstructIndex
    from cdk_loopbreaker.templates.home import Home
    from cdk_loopbreaker.templates.model import Value

NESTED: Final = "AWS::CloudFormation::Stack"
_MOST_STACKS: Final = 2_000  # what an account may have in a Region
_MOST_LEVELS: Final = 10


@dataclass(slots=True, eq=False)
class Deployment:
    """The stacks of one reading. Nested ones join when somebody first looks at them."""

    log: ProblemLog = field(default_factory=ProblemLog)
    stacks: list[Evaluator] = field(default_factory=list)
    _effort: Effort = field(default_factory=Effort)
    _identities: dict[tuple[Evaluator, str], Identity] = field(default_factory=dict)
    _nested: dict[tuple[Evaluator, str], Evaluator | None] = field(default_factory=dict)
    _documents: dict[Path, Document] = field(default_factory=dict)
    _exports: dict[tuple[str, str, str], tuple[Evaluator, str]] | None = None

    def add(
        self,
        document: Document,
        *,
        name: str,
        home: Home,
        arguments: Mapping[str, Value],
        level: int = 0,
        index: ConstructIndex = NO_INDEX,
    ) -> Evaluator:
        """Add a stack.

        Raises
        ------
        TemplateError
            When its macros cannot be carried out, or there are too many stacks.
        """
        if len(self.stacks) >= _MOST_STACKS:
            raise TemplateError(f"{document.name}: it is stack {_MOST_STACKS + 1}; read fewer")
        stack = Stack(
            name=name,
            path=document.path,
            file=document.name,
            account=home.account,
            region=home.region,
            is_account_known=home.is_account_known,
            is_region_known=home.is_region_known,
            body=document.body,
            lines=document.lines,
            arguments=arguments,
            level=level,
            index=index,
        )
        stack = expand_macros(document, self._evaluate(stack))
        evaluator = self._evaluate(stack)
        self.stacks.append(evaluator)
        return evaluator

    def _evaluate(self, stack: Stack) -> Evaluator:
        symbols = make_symbols(stack)
        return Evaluator(stack=stack, neighbours=self, effort=self._effort, symbols=symbols)

    def identify(self, owner: Evaluator, logical_id: str) -> Identity:
        """What a resource of a stack is called."""
        key = (owner, logical_id)
        found = self._identities.get(key)
        if found is not None:
            return found
        with owner.enter("resource", logical_id) as is_new, owner.at(logical_id):
            if not is_new:
                owner.report(f"the name of {logical_id} refers to {logical_id} itself")
                return Identity(name="", ref=Unknown(f"name of {logical_id}"))
            found = identify(
                Subject(
                    stack=owner.stack,
                    logical_id=logical_id,
                    type=read_type(owner.stack.section("Resources")[logical_id]),
                    read=lambda name: owner.read_property(logical_id, name),
                    report=owner.report,
                )
            )
        self._identities[key] = found
        return found

    def find_export(self, stack: Stack, name: str) -> Value | None:
        """The value of an export in the account and Region of a stack."""
        if self._exports is None:
            self._exports = {}  # an export whose name is an import finds nothing, not itself
            self._exports = dict(self._list_exports())
        found = self._exports.get((stack.account, stack.region, name))
        return found[0].read_output(found[1]) if found else None

    def _list_exports(self) -> Iterator[tuple[tuple[str, str, str], tuple[Evaluator, str]]]:
        for evaluator in tuple(self.walk()):
            stack = evaluator.stack
            for output, declared in stack.section("Outputs").items():
                match declared:
                    case {"Condition": str(condition)} if evaluator.judge(condition) is False:
                        pass
                    case {"Export": {"Name": raw}}:
                        name = evaluator.evaluate_text(raw)
                        if name is not None:
                            yield (stack.account, stack.region, name), (evaluator, output)

    def find_output(self, stack: Stack, name: str, region: str, output: str) -> Value | None:
        """The value of an output of a stack by its name."""
        found = [one for one in self.stacks if (one.stack.region, one.stack.name) == (region, name)]
        found.sort(key=lambda one: one.stack.account != stack.account)  # its own account first
        return found[0].read_output(output) if found else None

    def walk(self) -> Iterator[Evaluator]:
        """All stacks, nested ones too, each after the one that nests it."""
        number = 0
        while number < len(self.stacks):
            evaluator = self.stacks[number]
            number += 1
            yield evaluator
            for logical_id, resource in evaluator.stack.section("Resources").items():
                is_nested = read_type(resource) == NESTED
                if is_nested and evaluator.judge_existence(logical_id) is not False:
                    self.find_nested(evaluator, logical_id)

    def find_nested(self, owner: Evaluator, logical_id: str) -> Evaluator | None:
        """The stack that a resource nests; ``None`` where its template is not there."""
        key = (owner, logical_id)
        if key in self._nested:
            return self._nested[key]
        with owner.enter("nested stack", logical_id) as is_new, owner.at(logical_id):
            if not is_new:
                owner.report(f"nested stack {logical_id} needs its own outputs")
                return None
            nested = self._nest(owner, logical_id)
        self._nested[key] = nested
        return nested

    def _nest(self, owner: Evaluator, logical_id: str) -> Evaluator | None:
        stack = owner.stack
        resource = stack.section("Resources")[logical_id]
        location = _read_asset(resource) or owner.read_property(logical_id, "TemplateURL")
        if isinstance(location, str):
            location = stack.index.find_asset(location) or location
        if not isinstance(location, str) or "://" in location:
            shown = location if isinstance(location, str) else "its place is not known"
            owner.report(f"the template of nested stack {logical_id} is not here ({shown})")
            return None
        path = stack.path.parent / location
        if not is_file(path):
            owner.report(f"the template of nested stack {logical_id} is missing: {location}")
            return None
        if stack.level >= _MOST_LEVELS:
            owner.report(f"nested stack {logical_id} nests too deeply, or itself")
            return None
        if path not in self._documents:
            self._documents[path] = read_document(path)
        identity = self.identify(owner, logical_id)
        return self.add(
            self._documents[path],
            name=identity.name,
            home=stack.home,
            arguments=_Arguments(owner, logical_id),
            level=stack.level + 1,
            index=stack.index,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Arguments(Mapping[str, "Value"]):
    """Parameters that a stack passes to a nested one, evaluated when they are asked for."""

    owner: Evaluator
    logical_id: str

    def _raw(self) -> Mapping[str, object]:
        match self.owner.stack.section("Resources")[self.logical_id]:
            case {"Properties": {"Parameters": dict(parameters)}}:
                return parameters
        return {}

    def __getitem__(self, name: str) -> Value:
        raw = self._raw()[name]
        kind = f"parameter of {self.logical_id}"
        value = self.owner.once(kind, name, lambda: self.owner.evaluate(raw))
        if value is NO_VALUE:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw())

    def __len__(self) -> int:
        return len(self._raw())


def read_type(resource: object) -> str:
    """The type of a resource; empty for something else in its place."""
    kind = resource.get("Type") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""


def _read_asset(resource: object) -> str:
    """Where the CDK put the template of a nested stack, beside the template that nests it."""
    match resource:
        case {"Metadata": {"aws:asset:path": str(path)}}:
            return path
    return ""
