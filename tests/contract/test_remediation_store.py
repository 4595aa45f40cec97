"""The record of findings and remediations: the same with the fake and in the ledger's table."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from functions.aws.records import diagnosis_store
from functions.aws.records.diagnosis_marks import DiagnosisMarks
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.items import MOST_BYTES
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.finding import Certainty, Examination, Finding
from functions.domain.diagnosis.finding_registry import FindingBook, advance
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.triage import Progress
from functions.domain.errors import LedgerUnavailableError, StaleIncidentError
from functions.domain.notices.outbox import OutboxNotice
from functions.domain.record_format import UnreadableRecordError
from functions.workflows.diagnosis.remediate import plan_remediation
from functions.workflows.diagnosis.run import run_diagnosis
from tests.functional.restore.test_remediations import ALLOWED
from tests.unit.domain.diagnosis import samples
from tests.unit.domain.diagnosis.samples import NOW, Hospital

if TYPE_CHECKING:
    from functions.domain.diagnosis.ports import RemediationStore
    from functions.domain.diagnosis.remediation import Remediation
    from tests.contract.staging.aws import AwsStage


def a_remediation(name: str = samples.NAME) -> Remediation:
    """A remediation of a function that may not log."""
    facts = samples.logless(name=name, arn=samples.ARN.replace(samples.NAME, name))
    (finding,) = examine(facts).findings
    return plan_remediation(finding, finding.remedies[0], NOW)


def a_book() -> FindingBook:
    """A book with findings, told causes and notices."""
    hospital = Hospital()
    run_diagnosis((samples.logless(),), hospital.context, replace(ALLOWED, kinds=frozenset()), NOW)
    assert hospital.stored_book.open
    return replace(hospital.stored_book, version=0).with_notice("a", "subject", "bödy ☃")


@pytest.fixture(params=["fake", "aws"])
def remediations(request: pytest.FixtureRequest) -> RemediationStore:
    """The record of the test."""
    if request.param == "fake":
        return Hospital().context.remediations
    store: DiagnosisStore = request.getfixturevalue("store")
    return store


@pytest.fixture
def store(aws_stage: AwsStage) -> DiagnosisStore:
    """The real one."""
    return DiagnosisStore(Table(clients.make_dynamodb_client, aws_stage.table))


# -- the port


def test_an_empty_book(remediations: RemediationStore) -> None:
    """Before the first round there is nothing in it."""
    assert remediations.read_findings() == FindingBook()


def test_a_book_comes_back_as_it_was(remediations: RemediationStore) -> None:
    """All of it, with its new version."""
    saved = remediations.save_book(a_book())

    assert saved.version == 1
    assert remediations.read_findings() == saved


def test_two_writers_of_the_book_cannot_both_have_their_way(remediations: RemediationStore) -> None:
    """Who read before the other wrote has to look again."""
    first = remediations.save_book(a_book())
    remediations.save_book(first)

    with pytest.raises(StaleIncidentError):
        remediations.save_book(first)


@pytest.mark.thorough
def test_a_book_of_ten_thousand_findings(store: DiagnosisStore) -> None:
    """It is written with what fits, says how many do not, and can be read and written again."""
    random = Random(1)  # noqa: S311 (texts that do not compress)
    examinations = [
        Examination(
            function=f"f{number:05}",
            findings=(
                Finding(
                    function=f"f{number:05}",
                    entry="no_logs",
                    title="logs do not appear",
                    certainty=Certainty.CERTAIN,
                    summary=random.randbytes(100).hex(),
                    causes=("a",),
                    evidence=(),
                    remedies=(),
                    page="",
                ),
            ),
        )
        for number in range(10_000)
    ]
    book = advance(FindingBook(), examinations, NOW).book

    saved = store.save_book(book.with_notice("a", "subject", random.randbytes(100_000).hex()))

    assert store.read_findings() == saved
    assert len(saved.open) + len(saved.left_out) == 10_000
    assert len(saved.open) > 500
    assert store.save_book(saved).version == 2


@pytest.mark.thorough
def test_a_treatment_with_long_notices_fits(store: DiagnosisStore) -> None:
    """Texts are cut where they do not fit; what undoing needs stays."""
    long = Random(2).randbytes(300_000).hex()  # noqa: S311 (a text that does not compress)
    remediation = a_remediation()
    notices = tuple(OutboxNotice(id=str(number), subject="s", body=long) for number in range(3))

    opened = store.open(replace(remediation, outbox=notices))

    assert [one.id for one in opened.outbox] == ["0", "1", "2"]
    assert replace(opened, outbox=()) == replace(remediation, version=1)
    assert store.find(samples.NAME, "no_logs") == opened


def test_marks_that_outsiders_make_are_read_in_parts(
    store: DiagnosisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Denied calls of functions that do not exist cannot keep a tick from its end."""
    monkeypatch.setattr(diagnosis_store, "MOST_TOUCHED", 2)
    monkeypatch.setattr(diagnosis_store, "MOST_DENIALS", 2)
    for number in range(3):
        denied = DeniedCall(principal_arn=f"p{number}", source=DenialSource.CLOUDTRAIL, last_at=NOW)
        store.remember_denial("orders", denied, NOW)
    store.touch(["a", "b", "c"], NOW)

    first = store.read_touched()
    store.forget_touched(first)

    assert sorted(first) == ["a", "b"]
    assert sorted(store.read_touched()) == ["c"]
    assert len(store.read_denials(NOW)["orders"]) == 2


def test_a_treatment_is_opened_once(remediations: RemediationStore) -> None:
    """A retry finds its own; another of the same function and entry finds the open one."""
    opened = remediations.open(a_remediation())
    other = replace(a_remediation(), id="another")

    assert remediations.open(a_remediation()) == opened
    assert remediations.open(other) == opened
    assert remediations.find(samples.NAME, "no_logs") == opened


def test_a_closed_treatment_makes_room(remediations: RemediationStore) -> None:
    """The newest takes its place."""
    opened = remediations.open(a_remediation())
    remediations.save(opened.to(RemediationState.FAILED, NOW))
    newer = replace(a_remediation(), id="newer")

    assert remediations.open(newer).id == "newer"
    found = remediations.find(samples.NAME, "no_logs")
    assert found is not None
    assert found.id == "newer"


def test_a_treatment_comes_back_as_it_was_saved(remediations: RemediationStore) -> None:
    """Snapshot, steps and notices included."""
    opened = remediations.open(a_remediation())
    saved = remediations.save(opened.leased(NOW))

    assert remediations.find(samples.NAME, "no_logs") == saved
    with pytest.raises(StaleIncidentError):
        remediations.save(opened)


def test_treatments_of_some_functions(remediations: RemediationStore) -> None:
    """Of those named, or of all."""
    one, two = remediations.open(a_remediation("one")), remediations.open(a_remediation("one-two"))

    assert set(remediations.read_remediations()) == {one, two}
    assert remediations.read_remediations(("one",)) == (one,)
    assert remediations.read_remediations(("nobody",)) == ()


def test_no_treatment(remediations: RemediationStore) -> None:
    """Nothing is nothing."""
    assert remediations.find("nobody", "no_logs") is None


# -- what only the real one keeps


def test_how_far_a_round_has_come(store: DiagnosisStore) -> None:
    """The last writer wins."""
    assert store.read_progress() is None

    store.save_progress(Progress(began_at=NOW, after="m"))
    store.save_progress(Progress(began_at=NOW, after="z", finished_at=NOW + timedelta(minutes=1)))

    assert store.read_progress() == Progress(
        began_at=NOW, after="z", finished_at=NOW + timedelta(minutes=1)
    )


def test_a_mark_of_contain_is_read_as_a_change(aws_stage: AwsStage, store: DiagnosisStore) -> None:
    """It sets one for a function whose failures are tried again."""
    marks = DiagnosisMarks(Table(clients.make_dynamodb_client, aws_stage.table))

    marks.touch(("orders",), NOW)

    assert store.read_touched() == {"orders": NOW.isoformat()}


def test_what_was_changed_again_meanwhile_stays(store: DiagnosisStore) -> None:
    """A change that comes while its function is examined is looked at the next time."""
    store.touch(("orders", "role/orders-role"), NOW)
    marks = store.read_touched()
    store.touch(("orders",), NOW + timedelta(seconds=1))

    store.forget_touched(marks)

    assert set(store.read_touched()) == {"orders"}


def test_denials_are_kept_by_principal(store: DiagnosisStore) -> None:
    """The latest of each, and none from before a moment."""
    call = DeniedCall(source=DenialSource.CLOUDTRAIL, principal_arn="arn:ada", last_at=NOW)
    later = replace(call, last_at=NOW + timedelta(hours=1), message="no")
    old = replace(call, principal_arn="arn:bob", last_at=NOW - timedelta(days=2))
    for one in (call, later, old):
        store.remember_denial("orders", one, NOW)

    assert store.read_denials(NOW - timedelta(days=1)) == {"orders": (later,)}


def test_closed_treatments_and_denials_expire(store: DiagnosisStore, aws_stage: AwsStage) -> None:
    """What is over does not stay for ever; what is open does."""
    opened = store.open(a_remediation("open"))
    closed = store.open(a_remediation("closed"))
    store.save(closed.to(RemediationState.FAILED, NOW))
    store.remember_denial("orders", DeniedCall(source=DenialSource.CLOUDTRAIL), NOW)

    items: list[dict[str, Any]] = aws_stage.aws.client("dynamodb").scan(
        TableName=store._table.name
    )["Items"]

    kept = {item["sk"]["S"]: item for item in items}
    assert opened.state is RemediationState.APPLYING
    assert "expires_at" not in kept["open#no_logs"]
    days = (int(kept["closed#no_logs"]["expires_at"]["N"]) - NOW.timestamp()) / 86_400
    assert days == 400
    assert "expires_at" in kept["orders#"]


def test_a_record_that_cannot_be_read_hides_no_other(
    store: DiagnosisStore, aws_stage: AwsStage
) -> None:
    """It is logged and left out of a list; asked for by name it is an error."""
    good = store.open(a_remediation("good"))
    aws_stage.aws.client("dynamodb").put_item(
        TableName=store._table.name,
        Item={"pk": {"S": "treatment"}, "sk": {"S": "bad#no_logs"}, "record": {"B": b"odd"}},
    )

    assert store.read_remediations() == (good,)
    with pytest.raises(UnreadableRecordError):
        store.find("bad", "no_logs")


def test_a_book_that_does_not_fit_is_refused(store: DiagnosisStore) -> None:
    """Never half of it."""
    (finding,) = examine(samples.logless()).findings
    huge = replace(finding, summary=secrets.token_hex(MOST_BYTES))
    examination = Examination(function=huge.function, findings=(huge,))

    with pytest.raises(LedgerUnavailableError, match="does not fit"):
        store.save_book(advance(FindingBook(), [examination], NOW).book)

    assert store.read_findings() == FindingBook()


class _LostAnswers:
    """DynamoDB, after it took a write whose answer was lost."""

    def put_item(self, **request: Any) -> None:
        """Find that very write in the way of its repetition."""
        answer: Any = {
            "Error": {"Code": "ConditionalCheckFailedException", "Message": "no"},
            "Item": request["Item"],
        }
        raise ClientError(answer, "PutItem")


def test_an_answer_that_was_lost_is_no_conflict() -> None:
    """The client writes again and finds its own work in its way."""
    client: Any = _LostAnswers()

    assert DiagnosisStore(Table(lambda: client, "table")).save_book(a_book()).version == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.read_findings(),
        lambda store: store.save_book(FindingBook()),
        lambda store: store.read_remediations(),
        lambda store: store.find("a", "b"),
        lambda store: store.read_progress(),
        lambda store: store.touch(("a",), NOW),
        lambda store: store.read_touched(),
        lambda store: store.forget_touched({"a": "b"}),
        lambda store: store.read_denials(NOW),
    ],
)
def test_dynamodb_s_failures(call: Any, shared_aws: Any) -> None:
    """Each is told in the domain's words."""
    store = DiagnosisStore(Table(clients.make_dynamodb_client, "no-such-table"))

    with pytest.raises(LedgerUnavailableError):
        call(store)
