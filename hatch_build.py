"""What the wheel holds: one import package, `cdk_loopbreaker`, with the Lambda code as an asset.

`functions` and `stacks` become parts of `cdk_loopbreaker`: packages of these names would hide those
of the apps that install it. Their imports of each other are rewritten for that. The code within the
asset keeps its names, because it has the Lambda functions for itself (docs/adr/0066).
"""

from __future__ import annotations

import ast
import io
import shutil
import sys
import tempfile
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = "cdk_loopbreaker"
MOVED: Final = ("functions", "stacks")
ASSET: Final = f"{PACKAGE}/stacks/components/functions.zip"


class RewriteError(Exception):
    """Raised when an import cannot be rewritten."""


class WheelHook(BuildHookInterface[Any]):
    """Puts the files of the wheel together."""

    PLUGIN_NAME = "custom"
    _staged: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write all files of the wheel beside the project and name them to the builder."""
        if version == "editable":
            return
        self._staged = Path(tempfile.mkdtemp(prefix="wheel-"))
        write_package(Path(self.root), self._staged)
        build_data["force_include"].update(
            (str(path), path.relative_to(self._staged).as_posix()) for path in _walk(self._staged)
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's signature
        """Remove what `initialize` wrote."""
        if self._staged is not None:
            shutil.rmtree(self._staged)


def write_package(root: Path, target: Path) -> None:
    """Write the import package as it is installed, with the asset, below `target`."""
    for source in _walk(root / PACKAGE):
        _write(source, target / source.relative_to(root))
    for name in MOVED:
        for source in _walk(root / name):
            _write(source, target / PACKAGE / source.relative_to(root))
    _write_asset(root, target / ASSET)


def _write_asset(root: Path, archive: Path) -> None:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    from stacks.components.archive import write_archive  # noqa: PLC0415 - of the built project
    from stacks.components.bundle import write_bundle  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        bundle = Path(directory) / "bundle"
        write_bundle(bundle)
        write_archive(bundle, archive)


def _write(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    if source.suffix == ".py":
        content = rewrite_imports(content.decode(), source.as_posix()).encode()
    target.write_bytes(content)
    target.chmod(0o644)


def _walk(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.is_file() and not hidden and "__pycache__" not in path.parts:
            yield path


def rewrite_imports(source: str, name: str = "<source>") -> str:
    """Rewrite the absolute imports of moved packages, and nothing else.

    >>> rewrite_imports("from functions.x import y  # functions.x")
    'from cdk_loopbreaker.functions.x import y  # functions.x'

    Raises
    ------
    RewriteError
        For ``import functions.x`` without ``as``: it binds a name that would not be there.
    """
    lines = _split_lines(source)
    places = sorted(_find_imports(source, name), reverse=True)
    for row, column in places:
        line = lines[row - 1]
        lines[row - 1] = f"{line[:column]}{PACKAGE}.{line[column:]}"
    return "".join(lines)


def _find_imports(source: str, name: str) -> Iterator[tuple[int, int]]:
    """Line, from 1, and column, in characters, of each name of a moved package in an import."""
    lines = _split_lines(source)
    begins: set[tuple[int, int]] = set()

    def add(node: ast.stmt) -> None:
        before = lines[node.lineno - 1].encode()[: node.col_offset]
        begins.add((node.lineno, len(before.decode())))

    for node in ast.walk(ast.parse(source, name)):
        match node:
            case ast.ImportFrom(level=0, module=str(module)) if _is_moved(module):
                add(node)
            case ast.Import(names=aliases) if any(_is_moved(one.name) for one in aliases):
                unnamed = [one.name for one in aliases if _is_moved(one.name) and not one.asname]
                if unnamed:
                    raise RewriteError(
                        f"{name}:{node.lineno}: import {unnamed[0]} needs a name: import it with as"
                    )
                add(node)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for index, token in enumerate(tokens):
        if token.start in begins and token.string in {"from", "import"}:
            yield from _find_names(tokens[index:], is_from=token.string == "from")


def _find_names(tokens: list[tokenize.TokenInfo], *, is_from: bool) -> Iterator[tuple[int, int]]:
    """The moved packages of one statement: behind ``from``, or first of each name of ``import``."""
    before = tokens[0].string
    for token in tokens[1:]:
        if token.type == tokenize.NEWLINE or token.string == ";":
            return
        if token.string in MOVED and before in {"from", "import", ","}:
            yield token.start
            if is_from:
                return
        if token.type not in {tokenize.NL, tokenize.COMMENT}:
            before = token.string


def _split_lines(source: str) -> list[str]:
    """Lines as Python counts them; `str.splitlines` knows further separators."""
    return io.StringIO(source).readlines()


def _is_moved(module: str) -> bool:
    return module.partition(".")[0] in MOVED
