"""A cloud assembly of the CDK: its stacks, its nested assemblies, its acknowledged rules.

Shapes: `cloud-assembly-schema` 55, and what aws-cdk-lib 2.275 writes. What is acknowledged on a
Stage itself stands in no file of an assembly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.documents.document import (
    is_file,
    parse_text,
    read_stack_template,
    read_text,
)
from cdk_loopbreaker.templates.documents.source import ConstructIndex, Source
from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.errors import UnreadableError

_MANIFEST: Final = "manifest.json"
_ENVIRONMENT: Final = re.compile(r"aws://(?P<account>[^/]*)/(?P<region>[^/]*)")
_ACKNOWLEDGED: Final = "aws:cdk:acknowledged-rules"
_OURS: Final = "loopbreaker::"
_STACK: Final = "aws:cloudformation:stack"
_NESTED: Final = "cdk:cloud-assembly"
_MOST_LEVELS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The stacks of an assembly and of those nested in it.

    `acknowledged` has, by construct path, the reason for each acknowledged rule of Loopbreaker.
    `unread` is what a search could not read: templates may be there.
    """

    sources: tuple[Source, ...]
    acknowledged: Mapping[str, Mapping[str, str]]
    unread: tuple[UnreadableError, ...] = ()


def is_assembly(folder: Path) -> bool:
    """Whether a folder is what ``cdk synth`` writes."""
    path = folder / _MANIFEST
    try:
        if not is_file(path):
            return False
        text = read_text(path)
    except TemplateError:
        return False
    return f'"{_STACK}"' in text or f'"{_NESTED}"' in text


def read_assembly(folder: Path) -> Assembly:
    """The assembly in a folder.

    Raises
    ------
    TemplateError
        When its manifest or a template cannot be read.
    """
    sources: list[Source] = []
    acknowledged: dict[str, Mapping[str, str]] = {}
    for where, artifact_id, artifact in _walk_stacks(folder, 0):
        properties = _read_mapping(artifact, "properties")
        template = properties.get("templateFile")
        if not isinstance(template, str):
            raise TemplateError(f"{where.as_posix()}: stack {artifact_id} names no template")
        found = _ENVIRONMENT.fullmatch(str(artifact.get("environment", "")))
        name = properties.get("stackName")
        metadata = _read_metadata(where, artifact)
        paths = _index_paths(metadata, template)
        sources.append(
            Source(
                document=read_stack_template(where / template),
                stack=name if isinstance(name, str) else artifact_id,
                account=_leave_out_unknown(found["account"]) if found else "",
                region=_leave_out_unknown(found["region"]) if found else "",
                index=ConstructIndex(paths=paths, assets=_index_assets(where, template)),
            )
        )
        acknowledged |= dict(_find_acknowledged(metadata))
    if not sources:
        raise TemplateError(f"{folder.as_posix()}: an assembly without a stack; synthesize one")
    return Assembly(sources=tuple(sources), acknowledged=acknowledged)


def _walk_stacks(folder: Path, level: int) -> Iterator[tuple[Path, str, dict[str, object]]]:
    """Each stack of an assembly and of its nested assemblies: folder, id, artifact."""
    path = folder / _MANIFEST
    manifest, _ = parse_text(path, read_text(path))
    artifacts = _read_mapping(manifest, "artifacts")
    for artifact_id, artifact in artifacts.items():
        if not isinstance(artifact, dict):
            continue
        if artifact.get("type") == _STACK:
            yield folder, artifact_id, artifact
        elif artifact.get("type") == _NESTED:
            name = _read_mapping(artifact, "properties").get("directoryName")
            if not isinstance(name, str) or level >= _MOST_LEVELS:
                raise TemplateError(f"{path.as_posix()}: {artifact_id} names no assembly")
            yield from _walk_stacks(folder / name, level + 1)


def _leave_out_unknown(text: str) -> str:
    return "" if text in {"unknown-account", "unknown-region"} else text


def _read_metadata(folder: Path, artifact: dict[str, object]) -> dict[str, list[object]]:
    """The metadata of a stack's constructs by their paths."""
    metadata = dict(_read_mapping(artifact, "metadata"))
    file = artifact.get("additionalMetadataFile")
    if isinstance(file, str):
        more, _ = parse_text(folder / file, read_text(folder / file))
        metadata |= more if isinstance(more, dict) else {}
    return {
        path.strip("/"): entries for path, entries in metadata.items() if isinstance(entries, list)
    }


def _find_data(entries: list[object], kind: str) -> object:
    """The data of the last metadata entry of a kind; ``None`` for none."""
    found = [
        one.get("data") for one in entries if isinstance(one, dict) and one.get("type") == kind
    ]
    return found[-1] if found else None


def _index_paths(
    metadata: Mapping[str, list[object]], template: str
) -> dict[str, Mapping[str, str]]:
    """Construct paths by template and logical id; nested stacks have templates of their own."""
    owners = {
        path: file
        for path, entries in metadata.items()
        if isinstance(file := _find_data(entries, "aws:cdk:templateFile"), str)
    }
    index: dict[str, dict[str, str]] = {}
    for path, entries in metadata.items():
        logical_id = _find_data(entries, "aws:cdk:logicalId")
        if isinstance(logical_id, str):
            parts = path.split("/")
            above = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
            file = next((owners[one] for one in above if one in owners), template)
            index.setdefault(file, {})[logical_id] = path
    return dict(index)


def _index_assets(folder: Path, template: str) -> dict[str, str]:
    """Templates among the assets of a stack, by their hashes."""
    path = folder / f"{template.removesuffix('.template.json')}.assets.json"
    if not is_file(path):
        return {}
    manifest, _ = parse_text(path, read_text(path))
    assets: dict[str, str] = {}
    for key, asset in _read_mapping(manifest, "files").items():
        file = _read_mapping(asset, "source").get("path")
        if isinstance(file, str) and file.endswith(".template.json"):
            assets[key.partition("-")[0]] = file
            for destination in _read_mapping(asset, "destinations").values():
                uploaded = destination.get("objectKey") if isinstance(destination, dict) else None
                if isinstance(uploaded, str):
                    assets[uploaded.rsplit("/", 1)[-1].partition(".")[0]] = file
    return assets


def _find_acknowledged(
    metadata: Mapping[str, list[object]],
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What is acknowledged in a stack, by construct path."""
    for path, entries in metadata.items():
        rules: dict[str, str] = {}
        for entry in entries:
            if isinstance(entry, dict) and entry.get("type") == _ACKNOWLEDGED:
                rules |= _read_rules(entry.get("data"))
        if rules:
            yield path, rules


def _read_rules(data: object) -> dict[str, str]:
    """``{"loopbreaker::LB001": reason}`` without the prefix; rules of others are left out."""
    if not isinstance(data, dict):
        return {}
    return {
        rule.removeprefix(_OURS): str(reason)
        for rule, reason in data.items()
        if rule.startswith(_OURS)
    }


def _read_mapping(owner: object, name: str) -> dict[str, object]:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, dict) else {}
