"""A template as it was written: read, parsed and bounded, with nothing resolved."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from stat import S_ISREG
from typing import TYPE_CHECKING, Final, TypeGuard

from cdk_loopbreaker.templates.documents.json_text import parse_json
from cdk_loopbreaker.templates.documents.text_error import TextError
from cdk_loopbreaker.templates.documents.yaml_text import parse_yaml
from cdk_loopbreaker.templates.errors import TemplateError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_BYTES: Final = 5_000_000  # CloudFormation takes 1 MB; synthesized JSON is indented on top
_SAYS_RESOURCES: Final = re.compile(r"""\bResources["']?\s*:""")
_SAYS_A_TYPE: Final = re.compile(r"""\bType["']?\s*:\s*["']?[A-Za-z0-9]+::[A-Za-z0-9]""")

_MACROS: Final = ("Fn::ForEach", "Fn::Transform", "!Transform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed template.

    Attributes
    ----------
    path
        Where it is, to find the files beside it.
    name
        The path as it was given, with ``/`` between folders.
    body
        The template. Short forms such as ``!Ref`` are written out.
    lines
        Line of each logical id under `Resources`, from 1.
    has_macros
        Whether a loop or transform stands somewhere in it.
    """

    path: Path
    name: str
    body: Mapping[str, object]
    lines: Mapping[str, int]
    has_macros: bool = False


def is_file(path: Path) -> bool:
    """Whether there is a file.

    Raises
    ------
    UnreadableError
        When nobody can tell: a folder on the way is closed, or the name is too long.
    """
    try:
        return S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise UnreadableError(path.as_posix(), f"cannot be read ({_say(error)})") from error


def read_text(path: Path) -> str:
    """The text of a file.

    Raises
    ------
    TemplateError
        When it is missing, or above the size limit; an `UnreadableError` when it is neither and
        cannot be read, or is no text.
    """
    try:
        if not is_file(path):
            what = "is no file" if path.exists() else "does not exist"
            raise TemplateError(f"{path.as_posix()}: {what}; give a template, or a folder of them")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise TemplateError(
                f"{path.as_posix()}: {size:,} bytes; a template has {MOST_BYTES:,} at most"
            )
        content = path.read_bytes()
        # PowerShell writes UTF-16, with the mark that tells it.
        is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(path.as_posix(), "is not text in UTF-8") from error
    except OSError as error:
        raise UnreadableError(path.as_posix(), f"cannot be read ({_say(error)})") from error


def parse_text(path: Path, text: str) -> tuple[object, Mapping[str, int]]:
    """The values that a text of JSON or YAML holds, and the lines of its logical ids.

    Raises
    ------
    TemplateError
        When it is neither.
    """
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] == "{"
    try:
        return parse_json(text) if is_json else parse_yaml(text)
    except TextError as error:
        kind = "JSON" if is_json else "YAML"
        line = f" in line {error.line}" if error.line else ""
        raise TemplateError(f"{path.as_posix()}: broken {kind}{line}: {error}") from error


def read_document(path: Path) -> Document:
    """The template in a file.

    Raises
    ------
    TemplateError
        When the file cannot be read or is no template.
    """
    document = _make_document(path, read_text(path))
    if document is None:
        raise TemplateError(
            f"{path.as_posix()}: is no template; a template has `Resources`, each with a `Type`"
        )
    return document


def read_stack_template(path: Path) -> Document:
    """The template of a stack that an assembly names: a stack may hold no resource at all.

    Raises
    ------
    TemplateError
        When the file cannot be read or holds no mapping.
    """
    text = read_text(path)
    document = _make_document(path, text)
    if document is not None:
        return document
    body, lines = parse_text(path, text)
    if not isinstance(body, dict) or body.get("Resources"):
        raise TemplateError(
            f"{path.as_posix()}: is no template; a template has `Resources`, each with a `Type`"
        )
    return Document(path=path, name=path.as_posix(), body=body, lines=lines, has_macros=False)


def read_candidate(path: Path) -> Document | None:
    """The template in a file of a folder; ``None`` for a file that is something else.

    Raises
    ------
    TemplateError
        When it looks like a template and is broken; an `UnreadableError` when it looks like one, or
        may be one, and cannot be read.
    """
    try:
        text = read_text(path)
    except UnreadableError as error:
        cause = error.__cause__
        # What is not in UTF-8 still has the words of a template, or it is none.
        if isinstance(cause, UnicodeDecodeError) and not _looks_like_template(
            cause.object.decode("latin-1")
        ):
            return None
        raise
    except TemplateError:
        return None  # another file of the folder, too large or a link that leads nowhere
    return _make_document(path, text) if _looks_like_template(text) else None


def _looks_like_template(text: str) -> bool:
    return bool(_SAYS_RESOURCES.search(text) and _SAYS_A_TYPE.search(text))


def _make_document(path: Path, text: str) -> Document | None:
    body, lines = parse_text(path, text)
    if not is_template(body):
        return None
    has_macros = any(one in text for one in _MACROS)
    return Document(path=path, name=path.as_posix(), body=body, lines=lines, has_macros=has_macros)


def is_template(body: object) -> TypeGuard[dict[str, object]]:
    """Whether values are a template: `Resources`, of which one at least has a `Type`.

    A loop or transform in the place of a resource counts: it makes resources.
    """
    if not isinstance(body, dict):
        return False
    resources = body.get("Resources")
    if not isinstance(resources, dict):
        return False
    return any(
        name.startswith("Fn::") or (isinstance(one, dict) and isinstance(one.get("Type"), str))
        for name, one in resources.items()
    )


def _say(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).replace("\n", " ")
