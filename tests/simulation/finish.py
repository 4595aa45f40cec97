"""The end of a play: nothing fails any more, pulses come, and a person has everything put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from tests.simulation import rules
from tests.simulation.schedule import ALL

if TYPE_CHECKING:
    from tests.simulation.play import Play

MINUTE = 60.0


def let_pulses_come(play: Play, *minutes: int) -> None:
    """Pulses some minutes from now."""
    begin = play.turns.now
    for minute in minutes:
        play.turns.go(begin + minute * MINUTE)
        play.pulse()
    play.turns.go(play.turns.now + 50.0)


def converge(play: Play) -> None:
    """Let pulses come for more than two hours, and look whether all has come to rest."""
    let_pulses_come(play, 1, 2, 3, 10, 25, 26, 70)
    let_pulses_come(play, 61, 62, 63, 64, 65)
    if any(one.state is IncidentState.NOTIFIED for one in play.account.ledger.in_place()):
        # The minute in which it was to be checked lay between two of these pulses.
        let_pulses_come(play, 1, 2, 3, 4, 5)
    rules.check_converged(play, since=play.turns.now - 5 * MINUTE)


def put_all_back(play: Play) -> None:
    """Let a person deploy with a rollback of everything twice, and look at what is there then."""
    play.ask(ALL)
    play.turns.go(play.turns.now + 200.0)
    last = play.ask(ALL)
    play.turns.go(play.turns.now + 200.0)
    doubtful = tuple(one.name for one in play.account.by_name.values() if SNAPSHOT_TAG in one.tags)
    if doubtful:  # who reads the answer names what was left alone
        last = play.ask(doubtful)
        play.turns.go(play.turns.now + 200.0)
    let_pulses_come(play, 1, 2, 3)
    rules.check_put_back(play, last)
