"""The states of an incident, and which may follow which."""

from enum import StrEnum
from typing import Final


class IncidentState(StrEnum):
    """Where an incident stands."""

    NOTIFIED = "notified"  # people were notified; nothing was changed
    CONTAINING = "containing"  # snapshot written, steps not all done
    CAPPING = "capping"  # the same, towards a hold: a cap, 0 or paused mappings, see `watch`
    CONTAINED = "contained"
    CAPPED = "capped"  # held for watching, held on as a loop, or on probation: see `probation`
    RELEASED = "released"  # somebody else changed the reservation that the guard wrote
    RESTORING = "restoring"
    RESTORED = "restored"  # closed: a person asked for it
    LIFTED = "lifted"  # closed: a hold that showed that it was no loop, or showed nothing
    ENDED = "ended"  # closed: it ended by itself, or a released function stayed calm
    DELETED = "deleted"  # closed: the function no longer exists
    SUPERSEDED = "superseded"  # closed: a released function ran away again; a new incident goes on


CLOSED_STATES = frozenset(
    {
        IncidentState.RESTORED,
        IncidentState.LIFTED,
        IncidentState.ENDED,
        IncidentState.DELETED,
        IncidentState.SUPERSEDED,
    }
)
# States in which something of the guard's is, or may be, in force on the function.
HOLDING_STATES = frozenset(
    {
        IncidentState.CONTAINING,
        IncidentState.CAPPING,
        IncidentState.CONTAINED,
        IncidentState.CAPPED,
        IncidentState.RELEASED,
        IncidentState.RESTORING,
    }
)
# In force on the function, and not about to end.
HELD_STATES: Final = HOLDING_STATES - {IncidentState.RELEASED}
# In force on the function, and wanted so.
WANTING_STATES: Final = HELD_STATES - {IncidentState.RESTORING}
_S = IncidentState
TRANSITIONS: dict[IncidentState, frozenset[IncidentState]] = {
    _S.NOTIFIED: frozenset({_S.NOTIFIED, _S.CONTAINING, _S.CAPPING, _S.ENDED, _S.DELETED}),
    _S.CONTAINING: frozenset(
        {_S.CONTAINED, _S.CAPPED, _S.RELEASED, _S.RESTORING, _S.DELETED, _S.NOTIFIED}
    ),
    # A probation begins with `CAPPING`, and leads back to `CONTAINED` where AWS refuses it.
    _S.CAPPING: frozenset(
        {
            _S.CAPPED,
            _S.CONTAINED,
            _S.CONTAINING,
            _S.RELEASED,
            _S.RESTORING,
            _S.DELETED,
            _S.NOTIFIED,
        }
    ),
    _S.CAPPED: frozenset(
        {_S.CAPPING, _S.CONTAINED, _S.CONTAINING, _S.RELEASED, _S.RESTORING, _S.DELETED}
    ),
    _S.CONTAINED: frozenset({_S.CAPPING, _S.RELEASED, _S.RESTORING, _S.DELETED, _S.CONTAINING}),
    _S.RELEASED: frozenset({_S.RELEASED, _S.RESTORING, _S.ENDED, _S.SUPERSEDED, _S.DELETED}),
    _S.RESTORING: frozenset(
        {_S.RESTORED, _S.LIFTED, _S.CONTAINED, _S.CAPPED, _S.DELETED, _S.RELEASED}
    ),
}


class Transition(StrEnum):
    """What people are notified of, once each within an incident."""

    NOTIFIED = "notified"
    CONTAINED = "contained"
    CAPPED = "capped"
    RELEASED = "released"
    RUNNING_AWAY_AGAIN = "running_away_again"
    RESTORED = "restored"
    RESTORE_FAILED = "restore_failed"
    CONTAIN_FAILED = "contain_failed"
    LIFTED = "lifted"
    SHOWN = "shown"  # a hold goes on until people decide
    EXPIRING = "expiring"  # and events that wait for that are given up soon
    PROBATION = "probation"  # a person asked for it: a little is let go, and watched
    PROBATION_FAILED = "probation_failed"  # what was let go came back: it is held as before
    PROBATION_REFUSED = "probation_refused"  # by AWS: it is held as before
    ENDED = "ended"
    DELETED = "deleted"
