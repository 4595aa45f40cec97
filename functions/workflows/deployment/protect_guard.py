"""Reserves concurrency for the guard functions, as far as the account has any to spare."""

from collections.abc import Mapping
from typing import assert_never

from functions.domain.deployment.guard_protection import (
    LeaveUnprotected,
    SetAside,
    compose_unprotected_notice,
    decide_protection,
    describe_protected,
    describe_too_small,
    describe_unprotected,
)
from functions.domain.deployment.ports import ProtectionContext
from functions.domain.errors import NoticeUndeliveredError, RefusedError


def protect_guard(wanted: Mapping[str, int], context: ProtectionContext) -> str:
    """Reserve what is wanted for each guard function, and state the result.

    Doing it twice is harmless: reservations that hold already are left alone. An account that is
    too small fails no deployment; people are notified of it.
    """
    account = context.account
    decision = decide_protection(
        limits=account.read_limits(),
        wanted=wanted,
        reserved={name: account.read_reserved(name) for name in wanted},
    )
    match decision:
        case SetAside(reservations=reservations):
            try:
                for name, count in reservations:
                    account.reserve(name, count)
            except RefusedError as error:
                # Others reserved meanwhile, or the account's minimum is another one.
                text = describe_unprotected(str(error))
            else:
                return describe_protected(wanted)
        case LeaveUnprotected():
            text = describe_too_small(decision)
        case _:
            assert_never(decision)
    try:
        context.publisher.publish(compose_unprotected_notice(context.stack_name, text))
    except NoticeUndeliveredError as error:
        return f"{text} (and the notice about it could not be sent: {error})"
    return text
