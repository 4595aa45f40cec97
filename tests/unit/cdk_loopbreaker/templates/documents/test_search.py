"""From paths to templates."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cdk_loopbreaker.templates.documents.search import find_sources
from cdk_loopbreaker.templates.errors import TemplateError
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

    assert find(tmp_path) == ["app.yaml"]


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
