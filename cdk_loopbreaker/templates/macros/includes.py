"""`AWS::Include` of a file beside the template; other transforms are only said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.documents.document import parse_text, read_text
from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_INCLUDE: Final = "AWS::Include"


def expand_includes(raw: object, folder: Path, report: Callable[[str], None]) -> object:
    """What a part of a template is with the files that it includes.

    Included files include no others: CloudFormation does not allow it.
    """
    if isinstance(raw, list):
        return [expand_includes(one, folder, report) for one in raw]
    if not isinstance(raw, dict):
        return raw
    expanded = {
        key: expand_includes(one, folder, report)
        for key, one in raw.items()
        if key != "Fn::Transform"
    }
    transforms = raw.get("Fn::Transform", [])
    for one in transforms if isinstance(transforms, list) else [transforms]:
        included = _include(one, folder)
        if included is None:
            report(f"{_describe(one)} is not carried out here; what it adds is missing")
        else:
            expanded |= included
    return expanded


def include_at_top(
    body: dict[str, object], folder: Path, report: Callable[[str], None]
) -> dict[str, object]:
    """A template with the files that its section `Transform` includes."""
    declared = body.get("Transform")
    for one in declared if isinstance(declared, list) else [declared]:
        if isinstance(one, dict) and one.get("Name") == _INCLUDE:
            body = _merge(body, expand_includes({"Fn::Transform": one}, folder, report))
    return body


def _merge(body: dict[str, object], included: object) -> dict[str, object]:
    """Sections of the same name are joined."""
    merged = dict(body)
    for key, value in included.items() if isinstance(included, dict) else ():
        own = merged.get(key)
        both = isinstance(own, dict) and isinstance(value, dict)
        merged[key] = {**value, **own} if both and isinstance(own, dict) else value
    return merged


def _include(transform: object, folder: Path) -> dict[str, object] | None:
    match transform:
        case {"Name": "AWS::Include", "Parameters": {"Location": str(location)}}:
            try:
                path = folder / location
                values, _ = parse_text(path, read_text(path))
            except TemplateError:
                return None
            return values if isinstance(values, dict) else None
    return None


def _describe(transform: object) -> str:
    match transform:
        case {"Name": "AWS::Include", "Parameters": {"Location": str(location)}}:
            return f"{_INCLUDE} of {location}"
        case {"Name": str(name)}:
            return f"Transform {name}"
    return "Fn::Transform"
