"""The imports of the wheel are rewritten, and nothing else of its code is."""

import ast

import pytest

from hatch_build import RewriteError, rewrite_imports


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from functions import services\n", "from cdk_loopbreaker.functions import services\n"),
        (
            "from functions.domain.graph import model\n",
            "from cdk_loopbreaker.functions.domain.graph import model\n",
        ),
        (
            "from  stacks . config import (\n    A,\n    B,\n)\n",
            "from  cdk_loopbreaker.stacks . config import (\n    A,\n    B,\n)\n",
        ),
        ("import functions.x as y\n", "import cdk_loopbreaker.functions.x as y\n"),
        (
            "import os, stacks.a as b, functions.x as y\n",
            "import os, cdk_loopbreaker.stacks.a as b, cdk_loopbreaker.functions.x as y\n",
        ),
        (
            'é = "\u2028"; from functions.x import y; from stacks import z\n',
            (
                'é = "\u2028"; from cdk_loopbreaker.functions.x import y;'
                " from cdk_loopbreaker.stacks import z\n"
            ),
        ),
        (
            "if True:\n    from functions \\\n        .x import y\n",
            "if True:\n    from cdk_loopbreaker.functions \\\n        .x import y\n",
        ),
        (
            "from functions.functions import functions\n",
            "from cdk_loopbreaker.functions.functions import functions\n",
        ),
    ],
)
def test_imports_of_moved_packages(source: str, expected: str) -> None:
    """Each form of an absolute import finds its module below the package."""
    assert rewrite_imports(source) == expected
    ast.parse(expected)


@pytest.mark.parametrize(
    "source",
    [
        'HANDLER = "functions.contain.handler.handler"\n',
        '"""from functions.x import y"""\n',
        "# from functions.x import y\n",
        "from functionsx import y\nfrom x.functions import z\nimport my.stacks as functions\n",
        "from . import functions\nfrom .functions import x\n",
        "functions = stacks = 1\nfunctions.x.y\n",
        "import os.path\r\nimport sys\r\n",
        "",
    ],
)
def test_everything_else_stays(source: str) -> None:
    """Texts, comments, other packages and names that look like ours are left alone."""
    assert rewrite_imports(source) == source


@pytest.mark.parametrize("source", ["import functions\n", "x = 1\nimport os, functions.x\n"])
def test_an_import_that_binds_the_package(source: str) -> None:
    """The name that it binds would not be there: the build says where that is."""
    with pytest.raises(RewriteError, match=r"here.py:\d: import functions\S* needs a name"):
        rewrite_imports(source, "here.py")
