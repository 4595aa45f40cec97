"""Reads what the guard itself knows of functions, before any is examined."""

from collections.abc import Iterable
from datetime import datetime

from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.guard_state import GuardState, find_accused
from functions.domain.diagnosis.collection.traffic import LOOKBACK
from functions.domain.diagnosis.ports import Memory
from functions.domain.incidents.ports import Ledger
from functions.domain.incidents.states import HOLDING_STATES


def read_guard_state(
    ledger: Ledger, memory: Memory, policy: RemedyPolicy, closely: Iterable[str], now: datetime
) -> GuardState:
    """What the records say, with what the operator allows.

    Parameters
    ----------
    closely
        Functions of which schedules are read however well these do.

    Raises
    ------
    LedgerUnavailableError
    """
    live = ledger.read_live()
    return GuardState(
        contained=frozenset(one.function for one in live.incidents if one.state in HOLDING_STATES),
        exempt=policy.exempt,
        own=policy.own_functions,
        closely=frozenset(closely),
        accused=find_accused(memory.read_findings()),
        denials=memory.read_denials(now - LOOKBACK),
        memory_ceiling_mb=policy.memory_ceiling_mb,
    )
