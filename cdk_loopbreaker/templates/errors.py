"""What is raised where templates cannot be read."""

from __future__ import annotations


class TemplateError(Exception):
    """When a path, template or parameter cannot be used; one line that names it and what can."""
