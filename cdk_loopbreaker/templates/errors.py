"""What is raised where templates cannot be read."""

from __future__ import annotations


class TemplateError(Exception):
    """When a path, template or parameter cannot be used; one line that names it and what can."""


class UnreadableError(TemplateError):
    """When a file is there, and what it holds cannot be read: it may be a template."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why
