"""Whether concurrency can be set aside for the guard, decided before anything is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from functions.domain.account.limits import LEAST_UNRESERVED, AccountLimits
from functions.domain.notices.notice import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Set these reservations; those that hold already are left out."""

    reservations: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveUnprotected:
    """The account's limit does not allow it."""

    limits: AccountLimits
    wanted: int


Protection: TypeAlias = SetAside | LeaveUnprotected


def decide_protection(
    *, limits: AccountLimits, wanted: Mapping[str, int], reserved: Mapping[str, int | None]
) -> Protection:
    """Decide which reservations of the guard functions are to be set.

    None in a small account: what is taken from so few is missed elsewhere.

    Parameters
    ----------
    wanted
        Function name to concurrent executions.
    reserved
        What each of them has now; ``None`` for nothing.
    """
    missing = tuple((name, count) for name, count in wanted.items() if reserved.get(name) != count)
    more = sum(count - (reserved.get(name) or 0) for name, count in missing)
    if more > 0 and limits.unreserved - more < LEAST_UNRESERVED:
        return LeaveUnprotected(limits=limits, wanted=sum(wanted.values()))
    return SetAside(reservations=missing)


def describe_protected(wanted: Mapping[str, int]) -> str:
    """Say what the guard has for itself."""
    shares = ", ".join(f"{name} {count}" for name, count in wanted.items())
    return f"protected: concurrency is set aside for the guard ({shares})"


def describe_too_small(decision: LeaveUnprotected) -> str:
    """Say why nothing was set aside."""
    limits = decision.limits
    return describe_unprotected(
        f"the account runs at most {limits.concurrency} functions at a time in this Region and "
        f"{limits.unreserved} of these are unreserved; the guard needs {decision.wanted}, and "
        f"{LEAST_UNRESERVED} must stay"
    )


def describe_unprotected(reason: str) -> str:
    """Say that a runaway can starve the guard, and why."""
    words = "NOT protected. A runaway function that takes all concurrency stops the guard too"
    return f"{words}: {reason}"


def compose_unprotected_notice(stack_name: str, text: str) -> Notice:
    """The notice for people who never read a stack's outputs."""
    return Notice(
        subject=f"{stack_name}: the guard has no concurrency of its own",
        body=(
            f"{stack_name} is deployed and watches your functions, but it is {text}.\n"
            "\n"
            "What you can do: ask AWS for a higher limit (Service Quotas, AWS Lambda, Concurrent "
            "executions) or take reservations away from functions that do not need them. Then "
            "deploy once with another value of a flag, such as -c blast_radius=4, and once with "
            "your own, so that the limit is read anew.\n"
            "\n"
            "Until then the guard works as long as one execution is free, and its alarms tell you "
            "when it is throttled.\n"
        ),
    )
