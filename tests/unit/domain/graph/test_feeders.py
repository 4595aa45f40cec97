"""The sources of each function, and which of them lie on its loops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from functions.domain.account.inventory import Queue
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.feeders import find_sources
from functions.domain.graph.paths.search import search
from functions.domain.graph.propagation.propagate import propagate
from tests.corpus.description import ACCOUNT, REGION
from tests.examples import examples
from tests.unit.domain.graph.accounts.generated import accounts
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.account.inventory import Account

GRAVITY = (LoopProof.CERTAIN, LoopProof.POSSIBLE, LoopProof.UNKNOWN, LoopProof.RULED_OUT)


def sources_of(account: Account) -> Mapping[str, tuple[Source, ...]]:
    """The sources of each function of an account."""
    flow = propagate(account)
    return find_sources(flow, search(flow).parts, account)


def gravest(sources: tuple[Source, ...]) -> LoopProof:
    """The surest loop that one of the sources is on."""
    return min((one.loop for one in sources), key=GRAVITY.index, default=LoopProof.RULED_OUT)


def check(account: Account) -> None:
    """A function is on a loop exactly where one of its sources is, and as surely."""
    sources = sources_of(account)

    proofs = build(account).proofs

    assert {name: gravest(sources.get(name, ())) for name in proofs} == dict(proofs)


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_some_source_of_each_function_on_a_loop_is_on_it(name: str) -> None:
    """In each account of the corpus."""
    check(ACCOUNTS[name])


@given(account=accounts())
@settings(max_examples=examples(50))
def test_some_source_of_each_function_on_a_loop_is_on_it_in_any_account(account: Account) -> None:
    """Whatever the account."""
    check(account)


def test_a_queue_that_is_written_to_is_on_the_loop_and_another_one_is_not() -> None:
    """Each source is told by the name that CloudWatch knows it by."""
    sources = sources_of(many(2))

    assert sources["worker-00000"] == (
        Source(kind=SourceKind.QUEUE, name="worker-00000", loop=LoopProof.CERTAIN),
    )


def test_the_stream_of_a_table_is_known_by_the_table() -> None:
    """The writes to it are what is counted."""
    sources = sources_of(ACCOUNTS["dynamodb_two_functions"])

    assert Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.CERTAIN) in sources["enrich"]


def test_what_services_send_is_one_source() -> None:
    """Lambda counts asynchronous events together; who may invoke by permission may also wait."""
    sources = sources_of(ACCOUNTS["s3_event_bridge"])

    assert sources["resize"] == (
        Source(kind=SourceKind.ASYNCHRONOUS, name="resize", loop=LoopProof.CERTAIN),
    )


@pytest.mark.parametrize("elsewhere", [f"{REGION}:210987654321", f"us-west-2:{ACCOUNT}"])
def test_what_arrives_in_another_account_or_region_is_not_counted(elsewhere: str) -> None:
    """Its metrics are there; a queue of the same name here is another one."""
    account = many(1, resource=f"arn:aws:sqs:{elsewhere}:worker-00000")
    moved = replace(account.mappings[0], source_arn=f"arn:aws:sqs:{elsewhere}:worker-00000")

    sources = sources_of(replace(account, mappings=(moved,)))

    own = Source(kind=SourceKind.OTHER, name="worker-00000", loop=LoopProof.CERTAIN)
    assert own in sources["worker-00000"]
    assert SourceKind.QUEUE not in {one.kind for one in sources["worker-00000"]}


def test_what_sqs_moves_to_a_dead_letter_queue_is_not_counted() -> None:
    """So a backlog there may be the function's own doing."""
    account = many(1)
    (queue,) = (one.source_arn for one in account.mappings)
    source = Queue(arn=f"{queue}-failing", dead_letter_arn=queue)

    sources = sources_of(replace(account, queues=(source, Queue(arn=queue))))

    assert sources["worker-00000"] == (
        Source(kind=SourceKind.OTHER, name="worker-00000", loop=LoopProof.CERTAIN),
    )
