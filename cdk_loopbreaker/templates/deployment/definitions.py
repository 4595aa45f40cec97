"""The definition of a state machine, out of the property or file that holds it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.documents.document import parse_text, read_text
from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.intrinsics.values import join_texts, write_json
from cdk_loopbreaker.templates.model import Partial, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

STATE_MACHINE: Final = "AWS::StepFunctions::StateMachine"
_DEFINITION: Final = "DefinitionString"
_ELSEWHERE: Final = ("Definition", "DefinitionUri", "DefinitionS3Location")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def resolve_definition(
    properties: Mapping[str, Value], folder: Path, report: Callable[[str], None]
) -> Mapping[str, Value]:
    """The properties of a state machine, with its definition as a text in `DefinitionString`.

    It is left out where the templates do not hold it.
    """
    text = _find_text(properties, folder, report)
    rest = {
        key: value
        for key, value in properties.items()
        if key not in {_DEFINITION, "DefinitionSubstitutions", *_ELSEWHERE}
    }
    if text is None:
        return rest
    substitutions = properties.get("DefinitionSubstitutions")
    if isinstance(substitutions, dict):
        text = _substitute(text, substitutions)
    return {**rest, _DEFINITION: text}


def _find_text(
    properties: Mapping[str, Value], folder: Path, report: Callable[[str], None]
) -> str | Partial | Unknown | None:
    written = properties.get(_DEFINITION)
    if isinstance(written, str | Partial | Unknown):
        return written
    definition = properties.get("Definition")
    if isinstance(definition, dict):
        return write_json(definition)
    for name in ("DefinitionUri", "DefinitionS3Location"):
        location = properties.get(name)
        if isinstance(location, str):
            return _read_file(folder, location, report)
        if location is not None:
            report("the definition of a state machine is in S3 and cannot be read here")
            return Unknown("definition in S3")
    return None


def _read_file(folder: Path, location: str, report: Callable[[str], None]) -> str | Unknown:
    """A definition beside the template; one in YAML becomes JSON."""
    path = folder / location
    try:
        text = read_text(path)
        if path.suffix.lower() == ".json":
            return text
        values, _ = parse_text(path, text)
    except TemplateError:
        report(f"the definition {location} of a state machine cannot be read")
        return Unknown(f"definition {location}")
    written = write_json(values)  # type: ignore[arg-type]  # values of YAML, wholly known
    return written if isinstance(written, str) else Unknown(f"definition {location}")


def _substitute(
    text: str | Partial | Unknown, substitutions: Mapping[str, Value]
) -> str | Partial | Unknown:
    if isinstance(text, Unknown):
        return text
    pieces: list[Value] = []
    for piece in text.pieces if isinstance(text, Partial) else (text,):
        if isinstance(piece, Unknown):
            pieces.append(piece)
            continue
        for number, part in enumerate(_VARIABLE.split(piece)):
            is_variable = number % 2 == 1
            known = is_variable and part in substitutions
            pieces.append(substitutions[part] if known else f"${{{part}}}" if is_variable else part)
    return join_texts(pieces)
