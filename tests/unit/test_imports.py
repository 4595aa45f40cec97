"""The one import rule that import-linter cannot check, because `app.py` is no package."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_app_imports_stacks_and_nothing_else_of_the_project() -> None:
    """The app composes stacks; what the Lambda functions do is none of its business."""
    tree = ast.parse((ROOT / "app.py").read_text())
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    own = {one.split(".")[0] for one in imported} & {"functions", "stacks", "sandbox", "bench"}

    assert own == {"stacks"}
