"""What is raised where a text is neither JSON nor YAML."""

from __future__ import annotations

from typing import Final

MOST_DEPTH: Final = 100  # a template of state machines nests 30 deep
MOST_VALUES: Final = 500_000  # 2,000 resources have 100,000


class TextError(Exception):
    """When a text cannot be parsed, or holds too much. `line` counts from 1; 0 for the whole."""

    def __init__(self, words: str, line: int = 0) -> None:
        super().__init__(words)
        self.line = line
