"""docs/architecture.md names what there is: folders, files, and what they define."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text()
SHIPPED: Final = ("functions", "stacks", "cdk_loopbreaker")
MOST_FILES: Final = 12  # in a folder
MOST_STEPS: Final = 10  # files that a walk passes

_ROW: Final = re.compile(r"^\| `([^`|]+)` \| (.+?) \|", re.MULTILINE)


def packages(*parts: str) -> list[str]:
    """Every folder of code under these."""
    found = [path for part in parts for path in (ROOT / part).rglob("__init__.py")]
    return sorted(path.parent.relative_to(ROOT).as_posix() for path in found)


def section(title: str) -> str:
    """What the page says under a heading."""
    _, _, rest = PAGE.partition(f"## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def walks() -> dict[str, list[tuple[str, str]]]:
    """File and names of each step of each walk."""
    titles = re.findall(r"^## (From .+)$", PAGE, re.MULTILINE)
    return {title: _ROW.findall(section(title)) for title in titles}


WALKS: Final = walks()


def defined(path: Path) -> set[str]:
    """What a file defines: names at its top, and methods as ``Class.method``."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)
            }
    return names


def test_the_package_map_has_every_folder() -> None:
    """Each part of the installable package is in its map, and nothing else is."""
    parts = sorted(
        one.parent.relative_to(ROOT).as_posix()
        for one in (ROOT / "cdk_loopbreaker").glob("*/__init__.py")
    )

    assert sorted(folder for folder, _ in _ROW.findall(section("Package map"))) == parts


def test_the_code_map_has_every_folder() -> None:
    """No folder is missing from the map, and none of the map is missing."""
    assert sorted(folder for folder, _ in _ROW.findall(section("Code map"))) == packages(
        "functions"
    )


@pytest.mark.parametrize("folder", packages(*SHIPPED))
def test_a_folder_is_small_enough_to_be_read(folder: str) -> None:
    """A folder has at most so many files, beside the one that makes it a package."""
    files = [one for one in (ROOT / folder).glob("*.py") if one.name != "__init__.py"]

    assert len(files) <= MOST_FILES


LAYERS: Final = {"aws", "domain", "workflows"}
LAMBDA_FILES: Final = {"__init__.py", "handler.py", "settings.py", "wiring.py"}


def lambda_packages() -> list[str]:
    """The folders below `functions` that are no layer: one for each Lambda function."""
    found = (one.parent.name for one in (ROOT / "functions").glob("*/__init__.py"))
    return sorted(name for name in found if name not in LAYERS)


def test_there_is_a_package_for_each_lambda_function() -> None:
    """Those that the stack deploys."""
    deployed = re.findall(
        r"GuardFunction\(\s+scope,\s+\"(\w+)\"",
        (ROOT / "stacks" / "components" / "guard_functions.py").read_text(),
    )

    assert sorted(one.lower() for one in deployed) == lambda_packages()


@pytest.mark.parametrize("package", lambda_packages())
def test_a_lambda_package_has_its_three_files_and_nothing_else(package: str) -> None:
    """Whatever else it needs is a decision, a workflow or an adapter, and stands there."""
    found = {one.name for one in (ROOT / "functions" / package).iterdir()} - {"__pycache__"}

    assert found == LAMBDA_FILES


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/diagnosis.md"])
def test_every_path_on_a_page_is_there(page: str) -> None:
    """Files and folders of the project that a page names exist."""
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:functions|stacks|tests|docs|sandbox|bench)/[^`\s*<>]+)`", text)

    assert named
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_name_on_the_page_for_contributors_is_there() -> None:
    """A step that names a table or a class names one that a file of the page has."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    steps = page[page.index("## Add a check") :]
    files: list[Path] = []
    for named in set(re.findall(r"`((?:functions|stacks|tests|bench)/[^`\s*<>]+)`", steps)):
        path = ROOT / named
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    words = set(re.findall(r"\w+", " ".join(one.read_text() for one in files)))

    wanted = set(re.findall(r"`(_?[A-Za-z]\w*)(?:\(\w*\))?`", steps))
    assert "_FEEDS" in wanted
    assert sorted(wanted - words) == []


def test_there_are_three_walks() -> None:
    """Those that somebody new goes first."""
    assert len(WALKS) == 3


@pytest.mark.parametrize("title", WALKS)
def test_every_name_of_a_walk_is_there(title: str) -> None:
    """Each file defines what the walk says."""
    assert WALKS[title]
    for file, names in WALKS[title]:
        wanted = set(re.findall(r"`([^`]+)`", names))
        assert wanted, file
        assert wanted <= defined(ROOT / file), file


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_is_short(title: str) -> None:
    """It passes ten files at most, each once."""
    files = [file for file, _ in WALKS[title]]

    assert len(files) == len(set(files)) <= MOST_STEPS


# Records that name them are stored, and read for ever.
STORED_TWICE: Final = {"Certainty", "Change", "ChangeKind"}
# Each Lambda package has the same files, and in them the same name.
OF_EACH_LAMBDA: Final = {"Settings"}
MOST_LINES: Final = 500


def modules() -> list[Path]:
    """Every file of code under `functions`."""
    return sorted((ROOT / "functions").rglob("*.py"))


@pytest.mark.thorough
def test_a_class_name_means_one_thing() -> None:
    """No two classes have the same name."""
    found = Counter(
        node.name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )

    twice = {name for name, times in found.items() if times > 1}
    assert twice == STORED_TWICE | OF_EACH_LAMBDA


def test_a_file_is_short_enough_to_be_read() -> None:
    """No file that is deployed or installed is longer."""
    longer = {
        path.relative_to(ROOT).as_posix()
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*.py")
        if len(path.read_text().splitlines()) > MOST_LINES
    }

    assert longer == set()
