"""What this version reads of the newest frozen set it writes again, text for text.

So a change of how records are written shows, even where it would still be read. The older sets hold
what this version writes in another way, and are only read.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.aws.account import facts as f
from functions.aws.records.graph_summary import pack_summary, unpack_summary
from functions.aws.records.incidents.incident_record import dump_incident, load_incident
from functions.domain.diagnosis.facts import DeniedCall
from functions.domain.diagnosis.record import BOOK_RECORD, REMEDIATION_RECORD
from functions.domain.diagnosis.triage import Progress
from functions.domain.graph.refresh import ChartState
from functions.domain.record_format import dump_json
from functions.domain.serialization import Form, UnreadableError, from_json, to_json
from tests.frozen.sets import read, set_names, story_names

if TYPE_CHECKING:
    from collections.abc import Callable

NEWEST: Final = set_names()[-1]


def again(shape: Any, text: str) -> str:
    """A small record, written as it is stored."""
    return dump_json(to_json(from_json(shape, json.loads(text)), Form.NAMED))


def again_sparse(shape: Any, text: str) -> str:
    """A record without what is as by default."""
    return json.dumps(to_json(from_json(shape, json.loads(text)), Form.SPARSE))


def again_part(text: str) -> str:
    """A part of the account: entries of whichever section has this shape."""
    entries = json.loads(text)
    written = []
    for section in f.SECTIONS:
        try:
            found: Any = from_json(dict[str, section.shape], entries)  # type: ignore[name-defined]
        except UnreadableError:
            continue
        document = to_json(found, Form.SPARSE)
        written.append(json.dumps(document, sort_keys=True, separators=(",", ":")))
    return text if text in written else "\n".join(written)


def kind_of(item: dict[str, Any]) -> str:
    """The beginning of the key, as far as it tells what is stored."""
    partition, sort = item["pk"]["S"], item["sk"]["S"]
    return f"{partition.partition('#')[0]} {sort if partition in {'diagnosis', 'chart'} else ''}"


WRITERS: Final[dict[str, Callable[[str], str]]] = {
    "live ": lambda text: dump_incident(load_incident(text)),
    "closed ": lambda text: dump_incident(load_incident(text)),
    "diagnosis book": lambda text: BOOK_RECORD.dump(BOOK_RECORD.load(text)),
    "diagnosis progress": lambda text: again(Progress, text),
    "treatment ": lambda text: REMEDIATION_RECORD.dump(REMEDIATION_RECORD.load(text)),
    "denial ": lambda text: again(DeniedCall, text),
    "chart state": lambda text: again_sparse(ChartState, text),
    "chart book": lambda text: zlib.decompress(
        pack_summary(unpack_summary(zlib.compress(text.encode())))
    ).decode(),
    "account ": again_part,
}


def text_of(item: dict[str, Any]) -> str | None:
    """The JSON text that an item holds, if it does; bytes are compressed."""
    value = item.get("record") or item.get("data")
    if value is None:
        return None
    if "S" in value:
        text: str = value["S"]
        return text
    return zlib.decompress(base64.b64decode(value["B"])).decode(errors="surrogatepass")


def samples() -> list[tuple[str, str, str]]:
    """The story, the kind and the text of everything that the newest set holds in JSON."""
    found = []
    for story in story_names(NEWEST):
        for item in read(NEWEST, story)["items"]:
            text = text_of(item)
            if text is not None:
                found.append((story, kind_of(item), text))
    return found


def test_there_is_a_sample_of_every_kind() -> None:
    """A kind without one would be compared with nothing."""
    assert {kind for _, kind, _ in samples()} == WRITERS.keys()


@pytest.mark.parametrize(("story", "kind", "text"), samples())
def test_a_record_is_written_as_it_was(story: str, kind: str, text: str) -> None:
    """Not a character has changed; a new field is one, and asks for a new set."""
    assert WRITERS[kind](text) == text, "see tests/frozen/README.md"
