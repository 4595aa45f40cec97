"""From paths on a command line to templates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.documents.assembly import Assembly, is_assembly, read_assembly
from cdk_loopbreaker.templates.documents.document import read_candidate, read_document
from cdk_loopbreaker.templates.documents.source import Source
from cdk_loopbreaker.templates.errors import TemplateError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".template"})
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_MOST_FILES: Final = 20_000


def find_sources(paths: Sequence[Path]) -> Assembly:
    """The templates under paths, each once, in the order of the paths.

    A folder is searched; an assembly of the CDK in it is read as one. What cannot be read there,
    and may be a template, is reported and does not end the search. What is nested by another
    template that was found is no stack of its own.

    Raises
    ------
    TemplateError
        When a path does not exist or holds no template, or a template is broken.
    """
    sources: dict[Path, Source] = {}
    acknowledged: dict[str, Mapping[str, str]] = {}
    unread: list[UnreadableError] = []
    if not paths:
        raise TemplateError("no path is given; give templates, folders of them, or cdk.out")
    for path in paths:
        found = _read_path(path)
        acknowledged |= found.acknowledged
        unread += found.unread
        for source in found.sources:
            sources.setdefault(source.document.path.absolute(), source)
    nested = {
        where
        for source in sources.values()
        for where in _find_nested(source)
        if where != source.document.path.absolute()
    }
    kept = [source for path, source in sources.items() if path not in nested]
    return Assembly(
        sources=tuple(kept or sources.values()), acknowledged=acknowledged, unread=tuple(unread)
    )


def _read_path(path: Path) -> Assembly:
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):  # a name with a null character, or a loop of links
        is_folder = False
    if not is_folder:
        source = Source(document=read_document(path))
        return Assembly(sources=(source,), acknowledged={})
    if is_assembly(path):
        return read_assembly(path)
    found = _search(path)
    if not found.sources and found.unread:
        raise found.unread[0]
    if not found.sources:
        raise TemplateError(
            f"{path.as_posix()}: no template is in this folder; a template is JSON or YAML with "
            "`Resources`, each with a `Type`"
        )
    return found


def _search(folder: Path) -> Assembly:
    sources: list[Source] = []
    acknowledged: dict[str, Mapping[str, str]] = {}
    unread: list[UnreadableError] = []
    for path, is_whole in _walk(folder, unread):
        if is_whole:
            assembly = read_assembly(path)
            sources.extend(assembly.sources)
            acknowledged |= assembly.acknowledged
            continue
        try:
            document = read_candidate(path)
        except UnreadableError as error:
            unread.append(error)
            continue
        if document is not None:
            sources.append(Source(document=document))
    return Assembly(sources=tuple(sources), acknowledged=acknowledged, unread=tuple(unread))


def _walk(folder: Path, unread: list[UnreadableError]) -> Iterator[tuple[Path, bool]]:
    """Files that may be templates, and folders that are whole assemblies, in order of their names.

    The second part says which of the two it is. Folders that are closed are added to `unread`.
    """

    def note(error: OSError) -> None:
        path = Path(error.filename).as_posix()
        unread.append(UnreadableError(path, f"cannot be searched ({error.strerror})"))

    seen = 0
    for root, folders, files in os.walk(folder, onerror=note):
        where = Path(root)
        searched = []
        for name in sorted(folders):
            if name.startswith(".") or name in _SKIPPED:
                continue
            if is_assembly(where / name):
                yield where / name, True
            else:
                searched.append(name)
        folders[:] = searched
        for name in sorted(files):
            seen += 1
            if seen > _MOST_FILES:
                raise TemplateError(
                    f"{folder.as_posix()}: more than {_MOST_FILES:,} files; name the templates"
                )
            if Path(name).suffix.lower() in _SUFFIXES:
                yield where / name, False


def _find_nested(source: Source) -> Iterator[Path]:
    """Files that resources of a template nest, as far as they are named literally."""
    document = source.document
    resources = document.body.get("Resources")
    for resource in resources.values() if isinstance(resources, dict) else ():
        match resource:
            case {"Metadata": {"aws:asset:path": str(location)}, "Type": str(kind)}:
                pass
            case {"Type": str(kind), "Properties": {"TemplateURL": str(location)}}:
                pass
            case {"Type": str(kind), "Properties": {"Location": str(location)}}:
                pass
            case _:
                continue
        if kind in {"AWS::CloudFormation::Stack", "AWS::Serverless::Application"}:
            yield Path(os.path.normpath(document.path.absolute().parent / location))
