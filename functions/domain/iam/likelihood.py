"""Three-valued logic: yes, no, or nobody here can tell (Kleene 1938)."""

from collections.abc import Iterable
from enum import StrEnum


class Likelihood(StrEnum):
    """Whether something holds. YES and NO are only said where they are proved."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


def all_of(likelihoods: Iterable[Likelihood]) -> Likelihood:
    """All of them together: NO as soon as one is NO, YES for none."""
    found = frozenset(likelihoods)
    if Likelihood.NO in found:
        return Likelihood.NO
    return Likelihood.MAYBE if Likelihood.MAYBE in found else Likelihood.YES


def any_of(likelihoods: Iterable[Likelihood]) -> Likelihood:
    """At least one of them: YES as soon as one is YES, NO for none."""
    found = frozenset(likelihoods)
    if Likelihood.YES in found:
        return Likelihood.YES
    return Likelihood.MAYBE if Likelihood.MAYBE in found else Likelihood.NO


def negate(likelihood: Likelihood) -> Likelihood:
    """Turn YES and NO round; MAYBE stays."""
    match likelihood:
        case Likelihood.YES:
            return Likelihood.NO
        case Likelihood.NO:
            return Likelihood.YES
        case Likelihood.MAYBE:
            return Likelihood.MAYBE
