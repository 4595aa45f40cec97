"""What the rest of the guard needs of the event graph."""

from typing import Protocol

from functions.domain.graph.summary import LoopBook


class LoopBooks(Protocol):
    """Where the loops of the account are kept."""

    def load(self) -> LoopBook | None:
        """The newest book; ``None`` while there is none. Never raises, and says its own age."""
        ...
