"""What must hold in every schedule.

1. ``prior``: people's settings come back. After the faults, pulses until nothing moves, and a
   person who asks for `rollback=all` twice, every setting is as it was before the guard's first
   change, or as a person set it last.
2. ``held``: whenever no run is at work, what the guard holds is known to an open incident, to the
   function's tag, or, where neither could be written, to a notice that was sent.
3. ``settles``: after the faults, pulses change nothing any more and end without an error, and no
   incident stays open that nobody could close.
4. ``bounded``: the guard changes functions and tells people only so often.
5. ``protected``: what is exempt, or watched in observe mode, is not taken from.
6. ``fits``: every record is below DynamoDB's 400 KB.
7. ``respected``: what a person has put back is not taken again for what was before.
8. ``sound``: no run ends with an error that only a mistake in the code can cause.
9. ``answered``: what a rollback says it has restored, or that it was not held, is so.
10. ``events``: each sink got the event of each notice that is in a record, none is left waiting
    for one, and none came without end.
11. ``probation``: a function that loops all the while does not pass its probation, and one that
    is quiet all the while is not held again; each that began ends with one notice at most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.domain.errors import (
    InvalidTransitionError,
    LoopbreakerError,
    SnapshotOverwriteError,
)
from functions.domain.incidents.policy import Mode
from functions.domain.incidents.states import HOLDING_STATES, IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.notices.events.incident import choose_kind
from functions.workflows.rollback.results import NOT_HELD
from functions.workflows.rollback.rollback import ALL
from tests.simulation.schedule import (
    Adds,
    Deletes,
    DeletesAlias,
    Provisions,
    Reserves,
    Switches,
    Tags,
)
from tests.simulation.world.traffic import LOOPING, Demand

if TYPE_CHECKING:
    from functions.domain.incidents.incident import Incident
    from tests.simulation.play import Play
    from tests.simulation.turns import Run
    from tests.simulation.wishes import Key, Setting
    from tests.simulation.world.happenings import Change

HOUR: Final = 3_600.0
# The bus may take an event whose answer is lost, or whose mark cannot be written, each time.
MOST_REPEATS: Final = 20
_BEGAN: Final = "ON PROBATION:"
_PASSED: Final = "probation passed"
_HELD_AGAIN: Final = ("STOPPED AGAIN:", "HELD AGAIN:")
_NOTHING_SHOWN: Final = "the probation showed nothing"  # also where it ended before it began
_ENDED: Final = (*_HELD_AGAIN, _PASSED, _NOTHING_SHOWN)
_PEOPLES: Final = (Adds, Deletes, DeletesAlias, Provisions, Reserves, Switches, Tags)
_BEFORE_SECONDS: Final = 120.0  # what ran just before is in the same minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A rule that did not hold."""

    rule: str
    at: float
    text: str

    def __str__(self) -> str:
        """Say it."""
        return f"{self.rule} at {self.at:.1f} s: {self.text}"


def check_held(play: Play) -> None:
    """Rule 2, whenever no run is at work."""
    account = play.account
    for key, setting in account.wishes.settings.items():
        if not setting.by_guard:
            continue
        present = account.present(key)
        if present in setting.right:
            continue
        name = _function_of(play, key)
        function = account.by_name.get(name)
        if function is None or SNAPSHOT_TAG in function.tags:
            continue
        stored = account.ledger.stored(name)
        if stored is not None and stored.state in HOLDING_STATES:
            continue
        if account.is_in_notice(name):
            continue
        right = _right(setting)
        _break(play, "held", f"{key[0]} of {name} is {present}, not {right}, and nobody knows it")
        setting.right.add(present)  # said once


def check_converged(play: Play, since: float) -> None:
    """Rule 3, after the pulses."""
    for change in play.account.changes:
        if change.at >= since and not change.error:
            _break(play, "settles", f"pulses go on to change: {_change(change)}")
    for run in play.over:
        if run.began >= since and run.error is not None:
            words = "; ".join(
                f"{type(one).__name__}: {one}" for one in run.memory.get("errors", ())
            )
            _break(play, "settles", f"{run.label} fails: {words or run.error!r}")
    for run in play.turns.active:
        _break(play, "settles", f"{run.label} is still at work")
    for incident in play.account.ledger.in_place():
        if not _may_stay(play, incident):
            _break(play, "settles", f"{incident.id} stays {incident.state}")


def _may_stay(play: Play, incident: Incident) -> bool:
    """Whether an incident may stay open for as long as people do nothing."""
    if incident.state is not IncidentState.CAPPED:
        return incident.state in {IncidentState.CONTAINED, IncidentState.RELEASED}
    is_denied = incident.function in play.account.exempt_since  # `contain` may not lift it
    is_impossible = _cannot_be(play, ("reserved", incident.function))  # people were told
    function = play.account.by_name.get(incident.function)
    # Nobody can tell who wrote its tag: people were notified, and are to name the function.
    is_in_doubt = function is not None and function.reserved == 0 and SNAPSHOT_TAG in function.tags
    return incident.is_shown or is_denied or is_impossible or is_in_doubt


def check_answer(play: Play, run: Run) -> None:
    """Rule 9, when a rollback has answered: for each function that it names.

    What was taken since it began, or by a run that was at it, is no fault of the answer.
    """
    account = play.account
    told = dict(one.partition(": ")[::2] for one in run.memory.get("answer", "").split("; "))
    for key, setting in account.wishes.settings.items():
        name, present = _function_of(play, key), account.present(key)
        text = told.get(name, "")
        is_claimed = text == NOT_HELD or text.startswith("restored")
        if not is_claimed or not setting.by_guard or present in setting.right:
            continue
        if account.is_in_notice(name) or any(
            one.takes and one.function == name and one.at >= run.began for one in account.changes
        ):
            continue
        said = f"{run.label} says '{text}'"
        _break(play, "answered", f"{key[0]} of {name} is {present}, not {_right(setting)}; {said}")


def check_put_back(play: Play, last: Run) -> None:
    """Rules 1 and 3, after everything was asked for."""
    account = play.account
    refusal = last.memory.get("refusal", "" if last.is_over and not last.error else "no answer")
    for key, setting in account.wishes.settings.items():
        present = account.present(key)
        if present in setting.right or _cannot_be(play, key):
            continue
        if account.is_in_notice(_function_of(play, key)):
            continue
        name = _function_of(play, key)
        _break(play, "prior", f"{key[0]} of {name} is {present}, not {_right(setting)}; {refusal}")
    if refusal and not any(_cannot_be(play, key) for key in account.wishes.settings):
        _break(play, "settles", f"rollback=all is refused: {refusal}")
    for incident in account.ledger.in_place():
        if not any(_cannot_be(play, (kind, incident.function)) for kind in ("reserved", "pc:live")):
            _break(play, "settles", f"{incident.id} stays {incident.state} after rollback=all")
    for aside in account.ledger.aside():
        _break(play, "settles", f"{aside.id} is never filed away")
    for function in account.by_name.values():
        if SNAPSHOT_TAG in function.tags:
            _break(play, "settles", f"{function.name} keeps the tag {function.tags[SNAPSHOT_TAG]}")


def check_probation(play: Play) -> None:
    """Rule 10."""
    for name in [one.name for one in play.schedule.functions]:
        mails = [(at, subject) for at, subject in play.account.mails if name in subject]
        # A first sending may have had no answer.
        begun = [at for at, subject in mails if _BEGAN in subject]
        ended = [(at, subject) for at, subject in mails if _is_end(subject)]
        shown = [subject for _, subject in ended if _NOTHING_SHOWN not in subject]
        if len(shown) > len(begun):
            _break(play, "probation", f"{len(begun)} of {name} began, and {len(shown)} ended")
        for at, subject in ended:
            since, until = _find_probation(play, name, subject, at)
            seen = _list_demands(play, name, since - _BEFORE_SECONDS, until)
            is_held = any(one in subject for one in _HELD_AGAIN)
            if is_held and seen == {Demand.QUIET}:
                _break(play, "probation", f"{name} is quiet, and at {at:.1f} s: {subject}")
            is_passed = _PASSED in subject and not any(
                _is_changed_by_people(play, one, until) for one in _list_loop(play, name)
            )
            if is_passed and seen <= LOOPING:
                _break(play, "probation", f"{name} loops, and at {at:.1f} s: {subject}")


def _find_probation(play: Play, name: str, subject: str, at: float) -> tuple[float, float]:
    """From when to when a probation was whose end a mail reports that went out at a moment.

    Mails may go out long after what they report, several at once. So that counts when the guard
    first tried to send the same text.
    """
    tries = [(moment, one, text) for moment, one, text in play.account.attempted if moment <= at]
    sent = next(text for _, one, text in reversed(tries) if one == subject)
    ends: dict[str, float] = {}
    for moment, one, text in tries:
        if name in one and _is_end(one):
            ends.setdefault(text, moment)
    until = ends[sent]
    before = max((moment for moment in ends.values() if moment < until), default=-1.0)
    asked = [one for one, names in play.tried if before < one <= until and _names(names, name)]
    return min(asked, default=until), until


def _is_end(subject: str) -> bool:
    """Whether a mail reports the end of a probation, for the first time."""
    return any(one in subject for one in _ENDED) and "(again)" not in subject


def _names(functions: tuple[str, ...], name: str) -> bool:
    """Whether a request is for a function, or for all of them."""
    return functions == (ALL,) or name in functions


def _is_changed_by_people(play: Play, name: str, until: float) -> bool:
    """Whether people changed a function: what runs then need not be what the guard lets go."""
    return any(
        isinstance(one, _PEOPLES) and one.function == name and one.at <= until
        for one in play.schedule.events
    )


def _list_loop(play: Play, name: str) -> set[str]:
    """A function with those on its loop."""
    loop = play.schedule.loop
    return {name, *(loop if name in loop else ())}


def _list_demands(play: Play, name: str, since: float, until: float) -> set[Demand]:
    """What asked for a function, and for those on its loop, in between."""
    names = _list_loop(play, name)
    starts = {one.name: one.demand for one in play.schedule.functions}
    found: set[Demand] = set()
    for one in names & starts.keys():
        before = [demand for at, demand in play.account.demands.get(one, ()) if at <= since]
        within = [demand for at, demand in play.account.demands.get(one, ()) if since < at <= until]
        found |= {before[-1] if before else starts[one], *within}
    return found


def check_bounds(play: Play) -> None:
    """Rule 4. See `most_changes` and `most_mails`."""
    for name in [one.name for one in play.schedule.functions]:
        changes = [one for one in play.account.changes if one.function == name]
        for first, change in enumerate(changes):
            count = sum(1 for one in changes[first:] if one.at < change.at + HOUR)
            most = most_changes(play, name, change.at)
            if count > most:
                _break(
                    play,
                    "bounded",
                    f"{count} changes of {name} in the hour from {change.at:.0f} s, not {most}",
                )
                break
        mails = [at for at, subject in play.account.mails if name in subject]
        for first, at in enumerate(mails):
            count = sum(1 for one in mails[first:] if one < at + HOUR)
            most = most_mails(play, name, at)
            if count > most:
                _break(
                    play,
                    "bounded",
                    f"{count} mails about {name} in the hour from {at:.0f} s, not {most}",
                )
                break


def most_changes(play: Play, name: str, since: float) -> int:
    """How many calls that change a function an hour may see.

    Each thing that happens (a signal, a person, a run that failed) may lead to one containment and
    one restore, or an attempt at them: every step, there and back. What AWS refuses is tried again
    at growing intervals, at most 7 times an hour, each with its steps.
    """
    steps = 2 + _mappings(play, name)
    return 2 * steps * (2 + _stirs(play, name, since)) + 14 + 7 * steps


def most_mails(play: Play, name: str, since: float) -> int:
    """How many notices an hour may see: two of each thing that happens, and six."""
    return 6 + 2 * _stirs(play, name, since)


def check_protected(play: Play) -> None:
    """Rule 5."""
    for change in play.account.changes:
        if not change.takes or change.error:
            continue
        policy = change.run.memory.get("policy")
        if policy is None:
            continue
        why = ""
        if policy.mode is Mode.OBSERVE and not _was_ordered(play, change.function, -1.0, change.at):
            why = "in observe mode"
        elif change.function in policy.exempt:
            why = "exempt by flag"
        elif change.exempt_since is not None and change.exempt_since < change.run.began:
            why = "exempt by tag"
        if why:
            _break(play, "protected", f"{_change(change)}, {why}")


def check_respected(play: Play) -> None:
    """Rule 7: by a run that began after the restore of a function that was quiet by then.

    A run that cannot reach the ledger does not know of the restore: it writes a tag, which others
    believe.
    """
    changes = play.account.changes
    for change in changes:
        if not change.takes or change.error or "policy" not in change.run.memory:
            continue
        name = change.function
        restored = [
            one for one in play.restored if one.function == name and one.at < change.run.began
        ]
        if not restored or _has_looped(play, name, restored[-1].changed_at, change.at):
            continue
        if _was_ordered(play, name, restored[-1].asked_at, change.at):
            continue  # the last word of a person counts, also while the restore was under way
        if _is_repeated_order(change.run):
            continue
        if not any(
            one.method == "tag" and one.function == name and restored[-1].at < one.at < change.at
            for one in changes
        ):
            _break(play, "respected", f"{_change(change)}, restored at {restored[-1].at:.1f} s")


def _is_repeated_order(run: Run) -> bool:
    """Whether Lambda tries an order again, whose run died: only one that nobody waited for."""
    return run.label.startswith("order") and ", try " in run.label


def _was_ordered(play: Play, name: str, since: float, until: float) -> bool:
    """Whether a person's order to stop a function was new in between, or not answered yet.

    An order waits while another run works on the function. If somebody asks for a restore
    meanwhile, neither of the two is the later word: the guard may carry them out in either order.
    """
    return any(
        one.function == name and one.at <= until and since < one.answered_at for one in play.ordered
    )


def _has_looped(play: Play, name: str, since: float, until: float) -> bool:
    """Whether anything but people asked for a function in between."""
    before = [one for at, one in play.account.demands[name] if at <= since]
    within = [one for at, one in play.account.demands[name] if since < at <= until]
    return any(one is not Demand.QUIET for one in (*before[-1:], *within))


def check_events(play: Play) -> None:
    """Rule 10, once nothing fails any more."""
    account = play.account
    for sink in (account.bus, account.chat):
        times = Counter(one.id for one in sink.took)
        got = {(one.detail["kind"], one.detail["subject"]) for one in sink.took}
        for name, count in times.items():
            if count > MOST_REPEATS:
                _break(play, "events", f"{sink.name} took {name} {count} times")
        for incident in account.ledger.every():
            for notice in incident.outbox:
                kind = choose_kind(notice.transition).value
                if notice.twin is not None:
                    _break(play, "events", f"{notice.id} waits for a sink")
                elif (kind, notice.subject) not in got:
                    _break(play, "events", f"{sink.name} did not get {notice.id}")


def check_error(play: Play, run: Run, error: BaseException) -> None:
    """Rules 6 and 8."""
    if "Item size" in str(error):
        _break(play, "fits", f"{run.label}: {error}")
    if not isinstance(error, LoopbreakerError) or isinstance(
        error, InvalidTransitionError | SnapshotOverwriteError
    ):
        _break(play, "sound", f"{run.label} ends with {type(error).__name__}: {error}")


def _break(play: Play, rule: str, text: str) -> None:
    broken = Broken(rule=rule, at=play.turns.now, text=text)
    play.told.broken.append(broken)
    play.say(f"BROKEN {rule}: {text}")


def _function_of(play: Play, key: Key) -> str:
    if key[0] != "mapping":
        return key[1]
    mapping = play.account.by_uuid.get(key[1])
    return mapping.function if mapping is not None else ""


def _cannot_be(play: Play, key: Key) -> bool:
    """Whether people want what AWS does not allow: more provisioned than is reserved."""
    name = _function_of(play, key)
    function = play.account.by_name.get(name)
    if function is None:
        return False
    if key[0] == "reserved":  # the guard's own reservation is larger, and stays until they decide
        right = play.account.wishes.of(key).right
        provisioned = sum(function.provisioned.values())
        return all(isinstance(one, int) and one < provisioned for one in right)
    if not key[0].startswith("pc:") or function.reserved is None:
        return False
    if function.reserved not in play.account.wishes.of(("reserved", name)).right:
        return False
    wishes = play.account.wishes.of(("pc:live", name)).right
    return any(isinstance(one, int) and one > function.reserved for one in wishes)


def _right(setting: Setting) -> str:
    return " or ".join(sorted(str(one) for one in setting.right))


def _change(change: Change) -> str:
    given = ", ".join(f"{key}={value}" for key, value in change.arguments.items())
    return f"{change.run.label} at {change.at:.1f} s: {change.method}({given})"


def _mappings(play: Play, name: str) -> int:
    return next(len(one.mappings) for one in play.schedule.functions if one.name == name) + 1


def _stirs(play: Play, name: str, since: float) -> int:
    """What happened to a function up to the end of an hour, from an hour before on.

    What happens to one function of a loop may lead to a hold of another one.
    """
    loop = play.schedule.loop
    names = {"", name, *(loop if name in loop else ())}
    within = [about for at, about in play.stirred if since - HOUR <= at < since + HOUR]
    return sum(1 for about in within if about in names)
