"""AWS::Serverless (SAM), expanded by AWS's own translator, without AWS.

The translator wants code to be in S3, and asks AWS for applications of the Serverless Application
Repository and for managed policies. All of that is put in its place before it is called.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.templates.documents.document import parse_text, read_text
from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.documents.document import Document

TRANSFORM: Final = "AWS::Serverless-2016-10-31"
_TYPES: Final = "AWS::Serverless::"
_APPLICATION: Final = "AWS::Serverless::Application"
_ORIGIN: Final = "cdk_loopbreaker:origin"
_CODE: Final = "s3://bucket/key"
_IMPLICIT_APIS: Final = (("ServerlessRestApi", "Api"), ("ServerlessHttpApi", "HttpApi"))
_MOST_WORDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A template after SAM, and the written logical id of each one that SAM made."""

    body: Mapping[str, object]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Session:
    """What the translator reads of a session of boto3."""

    region_name: str


def is_serverless(body: Mapping[str, object]) -> bool:
    """Whether a template has resources of SAM."""
    resources = body.get("Resources")
    return isinstance(resources, dict) and any(
        isinstance(one, dict) and str(one.get("Type", "")).startswith(_TYPES)
        for one in resources.values()
    )


def expand_serverless(
    document: Document,
    body: Mapping[str, object],
    parameters: Mapping[str, object],
    region: str,
) -> Expansion:
    """A template with its resources of SAM replaced by those of CloudFormation.

    Raises
    ------
    TemplateError
        When the translator refuses the template.
    """
    prepared = json.loads(json.dumps(body))  # what an alias of YAML shares is changed apart
    applications = _take_applications(prepared)
    definitions = _prepare(prepared, document.path.parent)
    translated = _translate(prepared, parameters, region, document.name)
    resources = translated.get("Resources")
    made = resources if isinstance(resources, dict) else {}
    origins: dict[str, str] = {}
    for logical_id, resource in made.items():
        metadata = resource.get("Metadata")
        if isinstance(metadata, dict) and _ORIGIN in metadata:
            origins[logical_id] = str(metadata.pop(_ORIGIN))
        else:
            origins[logical_id] = _guess_origin(logical_id, body)
        if logical_id in definitions and resource.get("Type", "").endswith("::StateMachine"):
            properties = resource["Properties"]
            properties.pop("DefinitionS3Location", None)
            properties["DefinitionUri"] = definitions[logical_id]
    made.update(applications)
    return Expansion(body=translated, origins=origins)


def _guess_origin(logical_id: str, body: Mapping[str, object]) -> str:
    """The written resource that a made one without a mark goes back to.

    The parts of a connector are called after its source. The API that events make, which nobody
    writes, goes back to the first function with such an event.
    """
    resources = body.get("Resources")
    written = resources if isinstance(resources, dict) else {}
    if logical_id in written:
        return logical_id
    for prefix, kind in _IMPLICIT_APIS:
        if logical_id.startswith(prefix):
            return next(
                (name for name, one in written.items() if _has_event(one, kind)), logical_id
            )
    before = [name for name in written if logical_id.startswith(name)]
    return max(before, key=len, default=logical_id)


def _has_event(resource: object, kind: str) -> bool:
    match resource:
        case {"Properties": {"Events": dict(events)}}:
            return any(isinstance(one, dict) and one.get("Type") == kind for one in events.values())
    return False


def _take_applications(body: dict[str, Any]) -> dict[str, object]:
    """Take nested applications out of a template; they become nested stacks.

    The translator would ask AWS for those of the Serverless Application Repository.
    """
    taken: dict[str, object] = {}
    for logical_id, resource in list(body["Resources"].items()):
        if isinstance(resource, dict) and resource.get("Type") == _APPLICATION:
            del body["Resources"][logical_id]
            properties = resource.get("Properties")
            properties = properties if isinstance(properties, dict) else {}
            taken[logical_id] = {
                **resource,
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": properties.get("Location"),
                    "Parameters": properties.get("Parameters", {}),
                },
            }
    return taken


def _prepare(body: dict[str, Any], folder: Path) -> dict[str, str]:
    """Put a stand-in where code belongs, and a mark that survives the translation.

    Returns the definition files of state machines by logical id.
    """
    definitions: dict[str, str] = {}
    for logical_id, resource in body["Resources"].items():
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or not kind.startswith(_TYPES):
            continue
        metadata = resource.get("Metadata")
        resource["Metadata"] = {
            **(metadata if isinstance(metadata, dict) else {}),
            _ORIGIN: logical_id,
        }
        properties = resource.setdefault("Properties", {})
        if not isinstance(properties, dict):
            continue
        match kind.removeprefix(_TYPES):
            case "Function" | "WebFunction":
                _stand_in_for_code(properties)
            case "LayerVersion":
                properties["ContentUri"] = _CODE
            case "Api" | "HttpApi" | "WebSocketApi":
                _read_api(properties, folder)
            case "StateMachine":
                location = properties.get("DefinitionUri")
                if isinstance(location, str):
                    definitions[logical_id] = location
                    properties["DefinitionUri"] = _CODE
            case "GraphQLApi":
                properties.pop("SchemaUri", None)
    _prepare_globals(body)
    return definitions


def _stand_in_for_code(properties: dict[str, Any]) -> None:
    if properties.get("PackageType") == "Image" or "ImageUri" in properties:
        properties["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/image"
        properties.pop("CodeUri", None)
    elif "InlineCode" not in properties:
        properties["CodeUri"] = _CODE


def _read_api(properties: dict[str, Any], folder: Path) -> None:
    """Read the definition of an API beside the template; it names the functions it invokes."""
    location = properties.get("DefinitionUri")
    if not isinstance(location, str):
        return
    try:
        values, _ = parse_text(folder / location, read_text(folder / location))
    except TemplateError:
        properties["DefinitionUri"] = _CODE
        return
    del properties["DefinitionUri"]
    properties["DefinitionBody"] = values


def _prepare_globals(body: dict[str, Any]) -> None:
    sections = body.get("Globals")
    function = sections.get("Function") if isinstance(sections, dict) else None
    if isinstance(function, dict) and "CodeUri" in function:
        function["CodeUri"] = _CODE


def _translate(
    body: dict[str, Any], parameters: Mapping[str, object], region: str, file: str
) -> dict[str, Any]:
    # Imported where it is needed: it takes half a second, and most templates have no use for it.
    from samtranslator.model.exceptions import ExceptionWithMessage  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    try:
        with _silence():
            translator = Translator(None, Parser(), boto_session=_Session(region))
            try:
                translated = translator.translate(body, dict(parameters), passthrough_metadata=True)
            finally:
                translator.metrics.publish()  # else it writes to the log when it is deleted
    except ExceptionWithMessage as error:
        causes = getattr(error, "causes", None) or [error]
        words = "; ".join(one.message for one in causes)
        raise TemplateError(f"{file}: SAM refuses it: {_shorten(words)}") from error
    except Exception as error:  # whatever the translator does with values it does not expect
        words = f"{type(error).__name__}: {error}"
        raise TemplateError(f"{file}: SAM cannot read it: {_shorten(words)}") from error
    return dict(translated)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the translator's log, which is about AWS's own use of it, from the user."""
    logger = logging.getLogger("samtranslator")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _shorten(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _MOST_WORDS else f"{line[:_MOST_WORDS]}..."
