"""From paths to templates."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cdk_loopbreaker.templates.documents.search import find_sources
from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.read import read_templates
from tests.unit.cdk_loopbreaker.templates.written import write

QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


def find(*paths: Path) -> list[str]:
    """File names of the templates that are found."""
    return [one.document.path.name for one in find_sources(paths).sources]


def test_a_folder_is_searched(tmp_path: Path) -> None:
    """In order of names, without what tools leave there."""
    for name in ("b.yml", "a/x.json", "a/y.template", "node_modules/n.yaml", ".aws-sam/t.yaml"):
        write(tmp_path, QUEUE if not name.endswith("json") else '{"Resources": {}}', name)
    write(tmp_path, "kind: Pod", "pod.yaml")
    write(tmp_path, QUEUE, "notes.txt")

    assert find(tmp_path) == ["b.yml", "y.template"]


def test_a_template_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    """By itself and by its folder."""
    path = write(tmp_path, QUEUE)

    assert find(path, tmp_path, path) == ["app.yaml"]


def close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the rights to a folder or file away, from the superuser too."""
    stat, read, scan = Path.stat, Path.read_bytes, os.scandir

    def refuse(path: Path | str, *, is_inside: bool = False) -> bool:
        where = Path(path)
        if folder in where.parents or (is_inside and where == folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return False

    monkeypatch.setattr(Path, "stat", lambda path, **more: refuse(path) or stat(path, **more))
    monkeypatch.setattr(Path, "read_bytes", lambda path: refuse(path, is_inside=True) or read(path))
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path, is_inside=True) or scan(path))


def test_a_closed_folder_does_not_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an assembly is in it, nobody can tell."""
    write(tmp_path, QUEUE)
    (tmp_path / "closed").mkdir()
    close(tmp_path / "closed", monkeypatch)

    found = find_sources([tmp_path])
    assert [one.document.path.name for one in found.sources] == ["app.yaml"]
    assert list(map(str, found.unread)) == [
        f"{(tmp_path / 'closed').as_posix()}: cannot be searched (Permission denied)"
    ]


def test_a_file_that_may_be_a_template_and_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is plainly something else is not, in whatever encoding."""
    write(tmp_path, QUEUE)
    for name, text in (("latin.yaml", f"# über\n{QUEUE}"), ("pod.yaml", "kind: Pod # über")):
        (tmp_path / name).write_text(text, encoding="latin-1")
    (tmp_path / "wide.json").write_text('{"colour": "red"}', encoding="utf-16")
    close(write(tmp_path, QUEUE, "closed.yml"), monkeypatch)

    templates = read_templates([tmp_path])

    assert [(Path(one.file).name, one.words) for one in templates.problems] == [
        ("closed.yml", "cannot be read (Permission denied)"),
        ("latin.yaml", "is not text in UTF-8"),
    ]


def test_a_folder_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    """The one line says why nothing was found."""
    (tmp_path / "app.yaml").write_text(f"# über\n{QUEUE}", encoding="latin-1")

    with pytest.raises(TemplateError, match=r"app\.yaml: is not text in UTF-8"):
        find(tmp_path)


@pytest.mark.parametrize("name", ["none", "a\0b", "x" * 5000])
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, name: str) -> None:
    """Even one that cannot exist."""
    with pytest.raises(TemplateError):
        find(tmp_path / name)


def test_a_folder_without_templates_is_refused(tmp_path: Path) -> None:
    """A typing error must not look like a clean result."""
    with pytest.raises(TemplateError, match="no template is in this folder"):
        find(tmp_path)


def test_no_path_is_refused() -> None:
    """The message says what can be given."""
    with pytest.raises(TemplateError, match="no path is given"):
        find()


def test_templates_that_nest_each_other_are_read(tmp_path: Path) -> None:
    """Otherwise nothing would be left."""
    text = "Resources: {{N: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {}}}}}}}"
    write(tmp_path, text.format("b.yaml"), "a.yaml")
    write(tmp_path, text.format("a.yaml"), "b.yaml")

    assert find(tmp_path) == ["a.yaml", "b.yaml"]
