"""The problems that a reading meets, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.model import Problem

if TYPE_CHECKING:
    from cdk_loopbreaker.templates.model import Place


@dataclass(slots=True)
class ProblemLog:
    """Collects problems. The first place of a cause is reported, not each of its places."""

    _found: dict[tuple[str, str], Problem] = field(default_factory=dict)

    def add(self, words: str, file: str, place: Place | None = None) -> None:
        """Report a problem once for each file."""
        self._found.setdefault((words, file), Problem(words=words, file=file, place=place))

    def sorted(self) -> tuple[Problem, ...]:
        """All of them, in the order of files and lines."""
        return tuple(sorted(self._found.values(), key=_order))


def _order(problem: Problem) -> tuple[str, int, str]:
    return (problem.file, problem.place.line if problem.place else 0, problem.words)
