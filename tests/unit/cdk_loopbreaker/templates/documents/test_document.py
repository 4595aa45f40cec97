"""Files that are templates, and files that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.documents.document import (
    MOST_BYTES,
    is_file,
    read_candidate,
    read_document,
)
from cdk_loopbreaker.templates.errors import TemplateError

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no template; a template has `Resources`, each with a `Type`"),
        (b"a: 1", "is no template"),
        (b"[1]", "is no template"),
        (b"Resources: [a]", "is no template"),
        (b"Resources: {A: {Kind: x}}", "is no template"),
        (b"Resources: {A", "broken YAML in line 1: "),
        (b'{"Resources": {"A"', "broken JSON in line 1: "),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b"\x00", "broken YAML in line 1: a control character stands in it"),
        (b" " * (MOST_BYTES + 1), r"5,000,001 bytes; a template has 5,000,000 at most"),
    ],
)
def test_a_file_that_is_no_template_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """In one line that begins with its path."""
    path = tmp_path / "a.yaml"
    path.write_bytes(content)

    with pytest.raises(TemplateError, match=words) as error:
        read_document(path)

    assert str(error.value).startswith(f"{path.as_posix()}: ")
    assert "\n" not in str(error.value)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """The message says what a path may be."""
    with pytest.raises(TemplateError, match="does not exist; give a template, or a folder"):
        read_document(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_path_that_nobody_can_ask_about_is_refused(tmp_path: Path, name: str) -> None:
    """A name that is too long, or none at all, is one line, and no error of Python."""
    with pytest.raises(TemplateError, match="cannot be read") as error:
        is_file(tmp_path / name)

    assert "\n" not in str(error.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Nor is anything else that is not one."""
    with pytest.raises(TemplateError, match="is no file"):
        read_document(tmp_path)


def test_a_file_of_a_folder_that_is_something_else_is_passed_over(tmp_path: Path) -> None:
    """Whether it can be parsed or not."""
    for content in (b"kind: Pod", b"{{ broken", b"\xff", b"Resources: {A: {Type: 5}}"):
        path = tmp_path / "a.yaml"
        path.write_bytes(content)

        assert read_candidate(path) is None


def test_a_broken_template_of_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    """A check that leaves it out would say that all is well."""
    path = tmp_path / "a.yaml"
    path.write_text(QUEUE + "}")

    with pytest.raises(TemplateError, match="broken YAML"):
        read_candidate(path)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + QUEUE.encode())

    assert "Resources" in read_document(path).body


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_template_may_be_in_utf_16(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes that, with a mark that tells the order of the bytes."""
    path = tmp_path / "a.yaml"
    path.write_bytes(f"\ufeff{QUEUE}".encode(encoding))

    found = read_candidate(path)
    assert found is not None
    assert found.lines == {"Queue": 1}


def test_json_may_have_any_suffix(tmp_path: Path) -> None:
    """A text that begins with a brace is JSON, or YAML that looks like it."""
    path = tmp_path / "a.template"
    path.write_text('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}')

    assert read_document(path).lines == {"Queue": 1}
