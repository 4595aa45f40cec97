"""Any order of signals, crashes, people and rollbacks: what must hold afterwards, and always."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.domain.errors import BusyError, NoticeUndeliveredError
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.states import HOLDING_STATES
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.signal import SignalKind
from tests.examples import examples
from tests.functional.scene import QUEUE, Scene

NAMES = ("a", "b", "c")
BLAST_RADIUS = 2
names = st.sampled_from(NAMES)
GUARDS_VALUES = (0, 1, 2)  # the throttle, and the caps that a normal peak of 1 or 2 leads to


class AnyOrder(RuleBasedStateMachine):
    """Three functions with mappings, of which any may run away at any time."""

    @initialize(
        reserved=st.lists(
            st.none() | st.integers(min_value=5, max_value=50), min_size=3, max_size=3
        ),
        exempt=st.none() | names,
    )
    def stage(self, reserved: list[int | None], exempt: str | None) -> None:
        """Begin with settings that nobody but the function's owner chose."""
        self.scene = Scene(Policy(blast_radius=BLAST_RADIUS))
        self.exempt = exempt
        self.wanted: dict[str, int | None] = {}
        self.mappings = {}
        for name, value in zip(NAMES, reserved, strict=True):
            tags = {"loopbreaker:exempt": "true"} if name == exempt else {}
            self.scene.account.add(name, reserved=value, tags=tags)
            self.scene.account.metrics.habit(name, 150.0)
            self.mappings[name] = self.scene.account.add_mapping(name, QUEUE)
            self.wanted[name] = value
        self.contained_at: list[tuple[str, object]] = []

    @rule(name=names)
    def run_away(self, name: str) -> None:
        """A loop begins; a throttled function stands still."""
        if self.scene.account.by_name[name].reserved != 0:
            self.scene.burn(name)

    @rule(name=names)
    def calm_down(self, name: str) -> None:
        """A loop ends by itself."""
        self.scene.calm(name)

    @rule(name=names)
    def signal(self, name: str) -> None:
        """A signal names a function."""
        self.scene.survives(lambda: self.scene.contributor(name))

    @rule()
    def alarm(self) -> None:
        """A signal names no function."""
        self.scene.survives(lambda: self.scene.signal(SignalKind.ALARM))

    @rule(minutes=st.sampled_from([1, 2, 70]))
    def pulse(self, minutes: int) -> None:
        """Time passes, then comes a pulse."""
        self.scene.now += timedelta(minutes=minutes - 1)
        self.scene.survives(self.scene.pulse)

    @rule(name=names, number=st.integers(1, 25), after=st.booleans())
    def crash(self, name: str, number: int, *, after: bool) -> None:
        """The guard dies somewhere in the middle."""
        faults = self.scene.account.faults
        faults.revive()
        (faults.crash_after if after else faults.crash_before)(number)
        self.scene.survives(lambda: self.scene.contributor(name))
        faults.revive()

    @rule(
        method=st.sampled_from(["reserve", "switch_mapping", "mappings", "describe"]),
        times=st.integers(1, 2),
    )
    def throttling(self, method: str, times: int) -> None:
        """AWS refuses some of the next calls."""
        self.scene.account.faults.fail(method, BusyError("Rate exceeded"), times=times)

    @rule()
    def mail_is_down(self) -> None:
        """SNS does not take the next notice."""
        self.scene.account.faults.fail("publish", NoticeUndeliveredError("down"), times=1)

    @rule(down=st.booleans())
    def ledger(self, *, down: bool) -> None:
        """The ledger stops answering, or answers again."""
        self.scene.account.ledger.is_down = down

    @rule(name=names, value=st.integers(min_value=51, max_value=99))
    def somebody_changes(self, name: str, value: int) -> None:
        """A person or a deploy sets the reservation, which takes a moment."""
        self.scene.now += timedelta(seconds=2)
        self.scene.account.reserves(name, value)
        self.wanted[name] = value

    @precondition(lambda self: not self.scene.account.ledger.is_down)
    @rule(which=names | st.just("all"))
    def roll_back(self, which: str) -> None:
        """A person asks for everything back."""
        self.scene.rollback(which)

    @invariant()
    def exempt_functions_are_untouched(self) -> None:
        """Whatever happens."""
        if getattr(self, "exempt", None):
            exempt = self.exempt or ""
            assert self.scene.account.by_name[exempt].reserved == self.wanted[exempt]
            assert self.mappings[exempt].enabled

    @invariant()
    def no_change_without_a_record(self) -> None:
        """Where a function is not as its owner left it, a true snapshot stands somewhere."""
        if not hasattr(self, "scene"):
            return
        for name, one in self.scene.account.by_name.items():
            incident = self.scene.account.ledger.stored(name)
            held = incident is not None and incident.state in HOLDING_STATES
            if one.reserved != self.wanted[name]:
                assert held or SNAPSHOT_TAG in one.tags
            if not self.mappings[name].enabled:
                assert held
            if held and incident is not None and incident.snapshot is not None:
                assert incident.snapshot.reserved_concurrency not in GUARDS_VALUES

    def teardown(self) -> None:
        """In the end everything can be put back exactly."""
        if not hasattr(self, "scene"):
            return
        scene = self.scene
        scene.account.faults.clear()
        scene.account.ledger.is_down = False
        for name in NAMES:
            scene.calm(name, 180)
        scene.pulse(5)
        scene.rollback("all")
        scene.pulse(2)
        scene.rollback("all")
        for name, one in scene.account.by_name.items():
            assert (one.reserved, self.mappings[name].enabled) == (self.wanted[name], True), name
            assert SNAPSHOT_TAG not in one.tags


AnyOrder.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=25, deadline=None
)
TestAnyOrder = AnyOrder.TestCase
