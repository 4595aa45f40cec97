"""`AWS::Include` of a file beside the template; other transforms are only said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.documents.document import parse_text, read_text
from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
            return f"AWS::Include of {location}"
        case {"Name": str(name)}:
            return f"Transform {name}"
    return "Fn::Transform"
