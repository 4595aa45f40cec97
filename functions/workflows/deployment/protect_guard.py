"""Reserves concurrency for the guard functions, as far as the account has any to spare."""

from collections.abc import Mapping
from datetime import datetime
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
from functions.domain.notices.events.guard import describe_guard_unprotected
from functions.domain.notices.notice import with_event


def protect_guard(wanted: Mapping[str, int], context: ProtectionContext, now: datetime) -> str:
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
        notice = compose_unprotected_notice(context.stack_name, text)
        notice = with_event(notice, describe_guard_unprotected(text, now))
        context.events.keep_unrecorded(notice, "unprotected")
        context.publisher.publish(notice)
    except NoticeUndeliveredError as error:
        return f"{text} (and the notice about it could not be sent: {error})"
    return text
