"""Random rows of the traces, and moments in them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bench.detection.data import Row

HOUR: Final = 62


def onset_in(row: Row, rng: np.random.Generator, room: int) -> int:
    """A random moment with an hour of history before it and `room` minutes after it."""
    return int(rng.integers(HOUR, max(HOUR + 1, len(row.counts) - room)))


def sample(rows: Sequence[Row], rng: np.random.Generator) -> Row:
    """One of the rows."""
    return rows[int(rng.integers(len(rows)))]
