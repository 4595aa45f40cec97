"""Rounds: examined, cured where allowed, told once, and convergent whatever dies."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from functions.domain.diagnosis.authorization import Authorization, RemedyPolicy
from functions.domain.diagnosis.facts import FactGap, FunctionUnderDiagnosis, Part
from functions.domain.diagnosis.record import BOOK_RECORD, REMEDIATION_RECORD
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.errors import StaleIncidentError
from functions.domain.record_format import UnreadableRecordError
from functions.workflows.diagnosis.run import (
    MOST_SINGLE,
    DiagnosisRun,
    followed,
    reconcile,
    run_diagnosis,
    undo_remediations,
)
from tests.unit.domain.diagnosis.samples import NOW, CrashError, Hospital, facts, logless

DAY = timedelta(days=1)
NOTHING = RemedyPolicy()
LOGS = RemedyPolicy(kinds=frozenset({RemedyKind.LOGS}))
CURED = facts()


def day(
    hospital: Hospital,
    *examined: FunctionUnderDiagnosis,
    number: int = 0,
    policy: RemedyPolicy = NOTHING,
    gone: Sequence[str] = (),
) -> DiagnosisRun:
    """The round of a day, with what tends to it."""
    now = NOW + number * DAY
    done = run_diagnosis(_aged(examined, now), hospital.context, policy, now, gone)
    reconcile(hospital.context, now + timedelta(minutes=1))
    return done


def _aged(
    examined: Sequence[FunctionUnderDiagnosis], now: datetime
) -> tuple[FunctionUnderDiagnosis, ...]:
    return tuple(replace(one, at=one.at + (now - NOW)) for one in examined)


def named(name: str) -> FunctionUnderDiagnosis:
    """A function of a name that logs nothing."""
    sick = logless()
    return replace(sick, function=replace(sick.function, name=name))


def test_a_finding_is_told_once_and_its_end_once() -> None:
    """Three days ill, then well: two notices."""
    hospital = Hospital()
    for number in range(3):
        day(hospital, logless(), number=number)
    day(hospital, CURED, number=3)
    day(hospital, CURED, number=4)

    assert hospital.subjects == [
        "[Loopbreaker] FOUND orders: logs do not appear",
        "[Loopbreaker] RESOLVED orders: logs do not appear",
    ]
    assert hospital.stored_book.outbox == ()


def test_nothing_is_changed_by_default() -> None:
    """Without a flag a finding is told with its remedy, and nothing is written but the book."""
    hospital = Hospital()
    before = hospital.state

    done = day(hospital, logless())

    assert hospital.state == before
    assert done.evaluated[0].judged[0].decision.consent is Authorization.NOT_ALLOWED
    assert not {"put_inline_policy", "set_description"} & set(hospital.journal)
    assert "-c remedies=logs" in hospital.sent[0][1]


def test_what_is_allowed_is_cured_and_told_in_one_notice() -> None:
    """The remedy's notice says all about the finding; a second one would say it twice."""
    hospital = Hospital()
    done = day(hospital, logless(), policy=LOGS)
    day(hospital, CURED, number=1, policy=LOGS)

    assert done.evaluated[0].judged[0].decision.is_applied
    assert hospital.subjects == [
        "[Loopbreaker] REMEDY APPLIED: orders, logs do not appear",
        "[Loopbreaker] RESOLVED orders: logs do not appear",
    ]
    assert ("orders-role", "Loopbreaker-logs-orders") in hospital.policies


def test_a_flag_that_comes_later_cures_what_was_found_before() -> None:
    """Findings that are open are cured as soon as the operator allows it."""
    hospital = Hospital()
    day(hospital, logless())
    day(hospital, logless(), number=1, policy=LOGS)

    assert hospital.subjects[1:] == ["[Loopbreaker] REMEDY APPLIED: orders, logs do not appear"]


def test_what_a_person_undid_is_not_done_again() -> None:
    """After a rollback the finding is open again, and the guard leaves it to people."""
    hospital = Hospital()
    before = hospital.state
    day(hospital, logless(), policy=LOGS)
    undo_remediations(("orders",), hospital.context, NOW + DAY, "alice")
    done = day(hospital, logless(), number=2, policy=LOGS)

    assert done.evaluated[0].judged[0].decision.consent is Authorization.UNDONE_BY_PERSON
    assert hospital.state == before
    assert undo_remediations((), hospital.context, NOW + 3 * DAY) == ()


def test_many_new_findings_come_in_one_notice() -> None:
    """A digest, not a flood; and the same for many that are resolved at once."""
    hospital = Hospital()
    names = [f"orders-{number}" for number in range(MOST_SINGLE + 1)]
    day(hospital, *(named(one) for one in names))
    well = [replace(CURED, function=named(one).function) for one in names]
    day(hospital, *well, number=1)

    assert hospital.subjects == [
        "[Loopbreaker] FOUND 6 findings in 6 functions",
        "[Loopbreaker] RESOLVED 6 findings in 6 functions",
    ]
    assert all(name in hospital.sent[0][1] for name in names)


def test_the_weekly_list_has_what_is_open() -> None:
    """A week after it was found it is listed, once a week."""
    hospital = Hospital()
    for number in range(16):
        day(hospital, logless(), number=number)

    assert hospital.subjects[1:] == ["[Loopbreaker] STILL OPEN: 1 finding in 1 function"] * 2


def test_what_cannot_be_read_neither_finds_nor_closes() -> None:
    """A look without the role's policies keeps the finding open and is silent."""
    hospital = Hospital()
    day(hospital, logless())
    gap = FactGap(part=Part.ROLE, words="AccessDenied: iam:GetAccountAuthorizationDetails")
    done = day(hospital, facts(role=None, gaps=(gap,)), number=1)

    assert done.changes == ()
    assert [one.entry for one in hospital.stored_book.open] == ["no_logs"]


def test_a_contained_function_is_left_alone() -> None:
    """It is not examined, not changed, and its findings stay as they are."""
    hospital = Hospital()
    day(hospital, logless())
    hospital.journal.clear()
    done = day(hospital, logless(is_contained=True), number=1, policy=LOGS)

    assert (done.changes, done.evaluated[0].judged) == ((), ())
    assert set(hospital.journal) <= {"read_findings", "save_book", "read_remediations"}
    assert len(hospital.stored_book.open) == 1


def test_a_deleted_function_leaves_nothing() -> None:
    """Its findings are over, and what was given to its role is taken back."""
    hospital = Hospital()
    day(hospital, logless(), policy=LOGS)
    hospital.is_deleted = True

    assert followed(hospital.context) == {"orders"}
    day(hospital, number=1, policy=LOGS, gone=("orders",))

    assert hospital.policies == {}
    assert hospital.stored_book.open == ()
    assert followed(hospital.context) == frozenset()
    assert [one.state for one in hospital.stored.values()] == [RemediationState.DELETED]
    assert [one.split(" orders")[0] for one in hospital.subjects[1:]] == [
        "[Loopbreaker] REMEDY UNDONE:",
        "[Loopbreaker] RESOLVED",
    ]


def _steps(policy: RemedyPolicy) -> int:
    hospital = Hospital()
    run_diagnosis((logless(),), hospital.context, policy, NOW)
    return hospital.calls


@pytest.mark.thorough
@pytest.mark.parametrize("policy", [NOTHING, LOGS], ids=["told", "cured"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, _steps(LOGS) + 1))
def test_a_crash_anywhere_converges(policy: RemedyPolicy, moment: str, number: int) -> None:
    """Whatever a dead round left, the next ones tell and cure, and never twice unmarked."""
    hospital = Hospital()
    before = hospital.state
    hospital.crash(number, moment)
    try:
        run_diagnosis((logless(),), hospital.context, policy, NOW)
    except CrashError:
        pass
    else:
        assert number > _steps(policy)
    hospital.revive()
    for later in range(1, 4):
        day(hospital, logless(), number=later, policy=policy)

    assert [one.entry for one in hospital.stored_book.open] == ["no_logs"]
    assert hospital.journal.count("put_inline_policy") == int(policy is LOGS)
    told = [one for one in hospital.subjects if "(again)" not in one]
    assert len(told) == len(set(told))
    assert hospital.subjects
    undo_remediations((), hospital.context, NOW + 9 * DAY)
    assert hospital.state == before


def test_two_rounds_at_the_same_time_both_enter_what_they_saw() -> None:
    """Another run writes the book meanwhile: this one looks again and loses nothing."""
    hospital = Hospital()

    def interfere(count: int, name: str) -> None:
        if name == "save_book":
            hospital.before_call = None
            run_diagnosis((named("other"),), hospital.context, NOTHING, NOW)

    hospital.before_call = interfere
    run_diagnosis((logless(),), hospital.context, NOTHING, NOW)

    assert sorted(one.function for one in hospital.stored_book.open) == ["orders", "other"]
    assert len(hospital.sent) == 2


def test_a_book_that_is_never_free_is_said() -> None:
    """After some tries the round gives up, to be made again."""
    hospital = Hospital()
    hospital.refusals = {"save_book": StaleIncidentError("the book")}

    with pytest.raises(StaleIncidentError):
        run_diagnosis((logless(),), hospital.context, NOTHING, NOW)


def test_the_book_is_read_as_it_was_written() -> None:
    """Findings open and closed survive being stored as text."""
    hospital = Hospital()
    day(hospital, logless(), named("other"))
    day(hospital, CURED, number=1)
    book = hospital.stored_book

    assert BOOK_RECORD.load(BOOK_RECORD.dump(book)) == book


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"record": 99}', '{"record": 1, "book": 7}'])
def test_what_is_no_record_is_said(text: str) -> None:
    """A record of another form or of a later version is an error of its own."""
    with pytest.raises(UnreadableRecordError):
        BOOK_RECORD.load(text)
    with pytest.raises(UnreadableRecordError):
        REMEDIATION_RECORD.load(text)
