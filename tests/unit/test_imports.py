"""What is imported, where neither import-linter nor mypy checks it."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("app.py", "stacks", "cdk_loopbreaker", "sandbox", "bench", "tests")


def list_imports(path: Path) -> Iterator[str]:
    """Each module that a file imports, and each name of a module, dotted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_app_imports_stacks_and_nothing_else_of_the_project() -> None:
    """The app composes stacks; what the Lambda functions do is none of its business."""
    imported = {one.split(".")[0] for one in list_imports(ROOT / "app.py")}
    own = imported & {"functions", "stacks", "sandbox", "bench"}

    assert own == {"stacks"}


@pytest.mark.thorough
def test_types_of_each_cdk_module_in_use_are_read() -> None:
    """A module of the CDK that is not listed is skipped: what is made of it would be unchecked."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {one for part in overrides for one in part["module"] if "follow_imports" in part}
    files = [path for name in CODE for path in sorted((ROOT / name).rglob("*.py"))]
    files.append(ROOT / "app.py")
    used = {one for path in files for one in list_imports(path) if one.startswith("aws_cdk.")}
    modules = {one for one in used if one.split(".")[1].startswith("aws_")} | {"aws_cdk.assertions"}

    assert {".".join(one.split(".")[:2]) for one in modules} == read - {"aws_cdk", "aws_cdk.*"}
