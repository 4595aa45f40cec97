"""What a filter says of what is known about an event."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from functions.domain.iam.likelihood import Likelihood


class MatchReason(StrEnum):
    """Why."""

    NO_FILTER = "there is no filter"
    FITS = "everything that is known of the event fits the filter"
    EXCLUDED = "the filter excludes every such event"
    IMPOSSIBLE = "the filter excludes every event"
    UNDECIDED = "the filter depends on what is not known of the event"
    UNREADABLE = "the filter could not be understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Whether events pass a filter, and why.

    `passes` is YES or NO only where that is proved for every event that fits what is known.

    Attributes
    ----------
    place
        The field that decided (``detail.object.key``), where one did.
    words
        What else is known in words, such as why a filter could not be read.
    """

    passes: Likelihood
    reason: MatchReason
    place: str = ""
    words: str = ""


def agree(likelihoods: Iterable[Likelihood]) -> Likelihood:
    """One condition over all that an event may be: sure only where all agree."""
    found = set(likelihoods)
    return found.pop() if len(found) == 1 else Likelihood.MAYBE
