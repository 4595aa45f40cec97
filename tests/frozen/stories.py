"""What happens before a record is frozen: each story leaves records of some kinds behind.

A story is told with one function, ``orders``, as it goes in an account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.frozen.told.holds import (
    capped_in_danger,
    capping,
    danger_over,
    expiring,
    held_again,
    held_at_zero,
    held_by_cap,
    held_paused,
    lifted,
    second_trial,
    shown,
    stopped_after_hold,
    trial_by_cap,
    trial_of_queue,
    would_be_capped,
)
from tests.frozen.told.incidents import (
    contained,
    contained_on_instances,
    contained_without_reservation,
    containing,
    containing_half,
    containing_refused,
    deleted,
    ended,
    follow_up_refused,
    notice_claimed,
    notified,
    ordered,
    probation,
    probation_failed,
    probation_held_again,
    probation_over,
    probation_refused,
    released,
    restore_refused,
    restored,
    restored_unsent,
    restoring,
    restoring_pending,
    running_away_again,
    superseded,
    tagged,
    unsent_aside,
)
from tests.frozen.told.stores import (
    chart,
    findings,
    memory,
    treatment_applying,
    treatment_undoing,
    treatments_applied,
    treatments_closed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.frozen.stage import Stage

STORIES: Final[dict[str, Callable[[Stage], None]]] = {
    one.__name__: one
    for one in (
        notified,
        contained,
        notice_claimed,
        ordered,
        contained_without_reservation,
        contained_on_instances,
        containing,
        containing_half,
        containing_refused,
        follow_up_refused,
        released,
        running_away_again,
        restoring,
        restoring_pending,
        restore_refused,
        probation,
        probation_held_again,
        probation_failed,
        probation_over,
        probation_refused,
        restored,
        restored_unsent,
        unsent_aside,
        ended,
        deleted,
        superseded,
        tagged,
        capping,
        held_by_cap,
        held_at_zero,
        held_paused,
        trial_by_cap,
        trial_of_queue,
        held_again,
        shown,
        expiring,
        second_trial,
        stopped_after_hold,
        capped_in_danger,
        danger_over,
        would_be_capped,
        lifted,
        memory,
        findings,
        treatment_applying,
        treatments_applied,
        treatment_undoing,
        treatments_closed,
        chart,
    )
}
