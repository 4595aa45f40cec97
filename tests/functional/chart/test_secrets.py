"""Nothing that environment variables say is stored, sent or logged; what was is deleted."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.aws.records.graph_summary import pack_summary
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.graph.refresh import ChartState
from functions.domain.serialization import Form, from_json, to_json
from tests.examples import examples
from tests.functional.chart.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "s3cr3t"
# Around a secret: what makes it look like something that is looked for.
AROUND = (
    "{}",
    "orders-00001:{}",
    "arn:aws:s3:::bucket-1/{}",
    "s3://bucket-1/{}",
    "https://sqs.us-east-1.amazonaws.com/123456789012/{}",
    "https://{}@example.com/",
    "arn:aws:lambda:us-east-1:123456789012:function:{}",
    '{{"password": "{}", "function": "orders-00001"}}',
)
VARIABLES = ("PASSWORD", "LAMBDA_FUNCTION", "POWERTOOLS_TRACE_DISABLED", "AWS_XRAY_TRACING_NAME")
values = st.builds(
    lambda around, secret: around.format(f"{MARK}{secret}{MARK}"),
    st.sampled_from(AROUND),
    st.text(max_size=40),
)


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def shown(scene: Scene) -> Iterator[str]:
    """Everything that left the memory of the run: the table, the mails and the logs."""
    for item in scene.table.items.values():
        yield zlib.decompress(item["data"]["B"]).decode()
        yield from strings(json.loads(zlib.decompress(item["data"]["B"])))
    yield from strings(to_json(scene.memory.state, Form.SPARSE))
    if scene.memory.book is not None:
        yield zlib.decompress(pack_summary(scene.memory.book)).decode()
    for notice in scene.memory.store().read_notices():
        yield notice.subject
        yield notice.body
    for sent in scene.topic.sent:
        yield sent.subject
        yield sent.body
    yield repr(scene.log.lines)


def leaks(scene: Scene, secret: str = MARK) -> list[str]:
    """The texts that hold the secret."""
    return [one for one in shown(scene) if secret in one]


@given(
    secrets=st.lists(
        st.dictionaries(st.sampled_from(VARIABLES), values, min_size=1), min_size=6, max_size=6
    ),
    calls=st.sampled_from([None, 30]),
)
@settings(max_examples=examples(15), deadline=None)
def test_no_value_of_a_variable_leaves_the_run(
    secrets: list[dict[str, str]], calls: int | None
) -> None:
    """Whatever values say, through passes that go on, changes and an hour: nobody can read them."""
    scene = Scene(6)
    scene.add_loop()
    for function, variables in zip(scene.aws.functions.values(), secrets, strict=True):
        function["Environment"]["Variables"] |= variables | {"KNOWN": "fresh-3"}
    scene.calls = calls
    scene.tick()
    scene.calls = None
    scene.tick()
    scene.aws.functions["orders-00002"]["Environment"]["Variables"] |= secrets[0]
    scene.add_loop(4)
    scene.note(
        Change(kind=ChangeKind.FUNCTION, name="orders-00002"),
        Change(kind=ChangeKind.MAPPING, name="fresh-4"),
    )
    scene.tick()
    scene.tick(minutes=61)

    assert leaks(scene) == []
    assert scene.topic.sent
    assert any('"KNOWN"' in one for one in shown(scene))  # it does see what is kept


# -- what was stored before schema 2


# A part of the facts, and the state that names it, as version 1 wrote them.
OLD_PART = (
    "eJxVjbsKwkAQRf9l6gTd+J4ukl4xhWUYzYgL2VnYhxZh/90sBCHNLS73nDuCdT07DzgCOQHMifT1OJB59ITRl0w+lApV"
    "tdnu9ofjaa0qfEV5Bm0FZ7wAlo92VgxLyLLm3F3rtr1fbs0kfUcJ7CpIBQgZnpo/5+zA3fJak8HlXR6tZiSlHzWGOys="
)
OLD_NAME = "7e85e2f5dbc75de5690e47684ab5d744#1"
OLD_MANIFEST = {"at": "2026-03-10T11:30:00+00:00", "parts": {"functions#07": OLD_NAME}}
OLD_STATE = {
    "facts": OLD_MANIFEST,
    "full_at": "2026-03-10T11:30:00+00:00",
    "listed_at": "2026-03-10T11:30:00+00:00",
    "going": {"kind": "light", "manifest": OLD_MANIFEST},
    "told": ["abc"],
}


def updated() -> Scene:
    """An account whose guard was deployed before, with a secret in its table."""
    scene = Scene(6)
    key = ("account#123456789012#us-east-1", f"{OLD_NAME}#000")
    scene.table.items[key] = {
        "pk": {"S": key[0]},
        "sk": {"S": key[1]},
        "data": {"B": base64.b64decode(OLD_PART)},
    }
    scene.memory.begin_with(from_json(ChartState, OLD_STATE), scene.now)
    return scene


def test_values_that_were_stored_are_deleted_by_the_first_run() -> None:
    """The parts of an older version are gone before anything is read, and the account read anew."""
    scene = updated()
    assert leaks(scene, "hunter2")  # as it was
    scene.calls = 1
    first = scene.tick()

    assert not first.is_complete
    assert leaks(scene, "hunter2") == []
    scene.calls = None
    while not scene.tick().is_complete:
        pass
    assert leaks(scene, "hunter2") == []
    assert scene.memory.state.facts is not None
    assert scene.memory.state.told[0] == "abc"


def test_values_are_deleted_by_a_later_run_where_the_first_dies() -> None:
    """A run that dies before it has deleted them leaves that to the next one."""
    scene = updated()
    scene.table.is_broken = True
    died = scene.dying_tick()
    scene.table.is_broken = False
    scene.tick(minutes=16)

    assert died
    assert leaks(scene, "hunter2") == []
