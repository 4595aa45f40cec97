"""Stored records of earlier versions, read as the code of today reads them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.records.writes import PutItem
from functions.domain.incidents.states import IncidentState
from tests.fake_table import MemoryTable
from tests.frozen.sets import read, set_names, story_names
from tests.frozen.stage import fill, keep_records, to_stored
from tests.functional.scene import NOON, Scene

if TYPE_CHECKING:
    from functions.aws.records.table import Table
    from functions.domain.incidents.incident import Incident
    from tests.frozen.stage import KeptLedger

FIRST: Final = "2026-11-23-68b12d2"
PULSES: Final = 3
MINUTE: Final = timedelta(minutes=1)
LONG_AGO: Final = NOON - timedelta(days=30)
GRAPH_AT: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
GRAPH_LATER: Final = GRAPH_AT + timedelta(days=1, hours=1)
# Their graphs mean something else: see `SCHEMA` and `VERSION` beside them.
REREAD: Final = {FIRST}
STORIES: Final = [(name, story) for name in set_names() for story in story_names(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a record says of the function ``orders``.

    Attributes
    ----------
    state
        Of its live incident; ``None`` where there is none.
    prior
        What was reserved before.
    provisioned, mappings
        What else the snapshot holds: by version or alias, and by whether they were enabled.
    theirs
        What is reserved after a restore, where a person has set it; ``()`` for what was before.
    probation
        How far a probation has got; empty for none.
    is_stopped
        Whether it is known when the reservation of 0 took effect.
    is_for_callers
        Whether it is no hold, but a cap in danger.
    asked
        The rollback that puts it back.
    """

    state: IncidentState | None
    prior: int | None = None
    provisioned: dict[str, int] | None = None
    mappings: tuple[bool, ...] | None = None
    theirs: tuple[int | None, ...] = ()
    phase: str = ""
    probation: str = ""
    is_shown: bool = False
    is_stopped: bool = False
    is_for_callers: bool = False
    asked: str = "all"


S = IncidentState
EVERYTHING: Final = Meaning(
    state=S.CONTAINED,
    prior=5,
    provisioned={"live": 3},
    mappings=(True, False),
    is_stopped=True,
)
HELD: Final = Meaning(state=S.CAPPED, prior=50, phase="held")
MEANINGS: Final = {
    "notified": Meaning(state=S.NOTIFIED),
    "contained": EVERYTHING,
    "notice_claimed": EVERYTHING,
    "ordered": EVERYTHING,
    "contained_without_reservation": Meaning(
        state=S.CONTAINED, provisioned={}, mappings=(), is_stopped=True
    ),
    "contained_on_instances": Meaning(
        state=S.CONTAINED, provisioned={}, mappings=(True,), is_stopped=True
    ),
    "containing": replace(EVERYTHING, state=S.CONTAINING, mappings=None, is_stopped=False),
    "containing_half": replace(EVERYTHING, state=S.CONTAINING),
    "containing_refused": Meaning(state=S.CONTAINING, prior=5),
    "follow_up_refused": EVERYTHING,
    "released": replace(EVERYTHING, state=S.RELEASED, theirs=(3,)),
    "running_away_again": replace(EVERYTHING, state=S.RELEASED, theirs=(3,)),
    "restoring": replace(EVERYTHING, state=S.RESTORING),
    "restoring_pending": replace(EVERYTHING, state=S.RESTORING),
    "restore_refused": EVERYTHING,
    "probation": replace(EVERYTHING, state=S.CAPPED, probation="let go"),
    "probation_held_again": replace(EVERYTHING, state=S.CAPPED, probation="held again"),
    "probation_failed": EVERYTHING,
    "probation_over": Meaning(state=None),
    "probation_refused": EVERYTHING,
    "restored": Meaning(state=None),
    "restored_unsent": replace(EVERYTHING, state=S.RESTORED),
    "unsent_aside": EVERYTHING,
    "ended": Meaning(state=None),
    "deleted": Meaning(state=None),
    "superseded": replace(EVERYTHING, prior=3, theirs=(3,)),
    "tagged": Meaning(state=None),
    "capping": replace(HELD, state=S.CAPPING),
    "capped": Meaning(state=S.CAPPED, prior=50),
    "stopped_after_cap": Meaning(state=S.CONTAINED, prior=50, provisioned={}, mappings=(True,)),
    "held_by_cap": HELD,
    "held_at_zero": replace(HELD, is_stopped=True),
    "held_paused": replace(HELD, mappings=(True,)),
    "trial_by_cap": replace(HELD, phase="trial"),
    "trial_of_queue": replace(HELD, phase="trial", mappings=(True,)),
    "held_again": replace(HELD, phase="held again", mappings=(True,)),
    "shown": replace(HELD, phase="held again", mappings=(True,), is_shown=True),
    "expiring": replace(HELD, phase="held again", mappings=(True,), is_shown=True),
    "second_trial": replace(HELD, phase="trial", is_stopped=True),
    "stopped_after_hold": replace(
        HELD, state=S.CONTAINED, phase="held again", mappings=(True,), is_stopped=True
    ),
    "capped_in_danger": Meaning(state=S.CAPPED, phase="held", is_for_callers=True),
    "danger_over": Meaning(state=None),
    "would_be_capped": Meaning(state=S.NOTIFIED),
    "lifted": Meaning(state=None),
}
# The first version read the mappings together with what is provisioned, and knew no phases; where a
# cap came first it kept the moment of the cap only.
EARLIER_MEANINGS: Final = {
    (FIRST, "containing"): replace(EVERYTHING, state=S.CONTAINING, is_stopped=False),
    (FIRST, "capping"): Meaning(state=S.CAPPING, prior=50),
    # Its tags had no seal: since then a person has to name the function.
    (FIRST, "tagged"): Meaning(state=None, asked="orders"),
}
INCIDENTS: Final = [(name, story) for name, story in STORIES if story in MEANINGS]
OTHERS: Final = {
    "memory",
    "findings",
    "treatment_applying",
    "treatments_applied",
    "treatment_undoing",
    "treatments_closed",
    "chart",
}


def meaning_of(name: str, story: str) -> Meaning:
    """What a story of a set means."""
    return EARLIER_MEANINGS.get((name, story), MEANINGS[story])


@dataclass(slots=True)
class Frozen:
    """A frozen story, with today's code in the account that it left behind."""

    told: dict[str, Any]
    table: Table
    scene: Scene = field(default_factory=Scene)

    @property
    def ledger(self) -> KeptLedger:
        """Today's ledger."""
        ledger: Any = self.scene.account.ledger
        found: KeptLedger = ledger
        return found

    @property
    def closed_at(self) -> datetime:
        """When the one closed incident was closed."""
        (closed,) = self.ledger.read_closed("orders", LONG_AGO)
        assert closed.closed_at is not None
        return closed.closed_at

    @property
    def wanted(self) -> dict[str, Any]:
        """The settings from before the guard did anything."""
        wanted: dict[str, Any] = deepcopy(self.told["before"])
        return wanted


def thaw(name: str, story: str, table: Table | None = None) -> Frozen:
    """Put the items of a story into a table, and its settings into an account.

    The table is one in memory where none is given: `tests/contract/test_table.py` compares it with
    DynamoDB's.
    """
    told = read(name, story)
    frozen = Frozen(told=told, table=MemoryTable() if table is None else table)
    for item in told["items"]:
        frozen.table.write(PutItem(item=to_stored(item)))
    if "now" in told:
        frozen.scene.now = datetime.fromisoformat(told["now"]) + timedelta(minutes=2)
        fill(frozen.scene.account, told["found"])
        keep_records(frozen.scene, frozen.table)
    return frozen


def of_orders(ledger: KeptLedger) -> Incident | None:
    """The live incident, closed or not, that is in its function's place."""
    live = ledger.read_live()
    assert live.unreadable == ()
    newest = sorted(live.incidents, key=lambda one: one.opened_at)
    return newest[-1] if newest else None
