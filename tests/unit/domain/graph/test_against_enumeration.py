"""Graphs of small accounts against every object and every event there can be.

Ruled out is never wrong: no object may be written, and no event put, that comes back. Certain is
never wrong either: there is one.
"""

from __future__ import annotations

import json
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.domain.account.inventory import (
    Account,
    Bucket,
    FunctionDescription,
    MappingDescription,
    NamedPolicy,
    Notification,
    Role,
    Rule,
    RuleTarget,
)
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from tests.corpus.description import ACCOUNT, AT, REGION
from tests.unit.domain.filters.exact import passes
from tests.unit.domain.graph.accounts import naive

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.thorough

_HOME: Final = f"{REGION}:{ACCOUNT}"
_FUNCTION: Final = f"arn:aws:lambda:{_HOME}:function:copy"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/copy"
_BUS: Final = f"arn:aws:events:{_HOME}:event-bus/default"

Statement = dict[str, Any]


def account_of(
    own: Sequence[Statement], boundary: Sequence[Statement] | None = None, **others: Any
) -> Account:
    """One function whose role has these statements."""
    return Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=(FunctionDescription(name="copy", arn=_FUNCTION, role_arn=_ROLE),),
        roles={
            _ROLE: Role(
                arn=_ROLE,
                policies=(_policy("own", own),),
                boundary=None if boundary is None else _policy("boundary", boundary),
            )
        },
        **others,
    )


def _policy(name: str, statements: Sequence[Statement]) -> NamedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return NamedPolicy(name=name, text=text)


class Tally:
    """Counts the proofs, and keeps the cases in which one is wrong."""

    def __init__(self) -> None:
        self.proofs = dict.fromkeys(LoopProof, 0)
        self.wrong: list[object] = []

    def judge(self, case: object, account: Account, *, is_real: bool) -> None:
        """Hold the proof of the one function against what there is."""
        proof = build(account).proofs["copy"]
        self.proofs[proof] += 1
        if proof is (LoopProof.RULED_OUT if is_real else LoopProof.CERTAIN):
            self.wrong.append((proof, case))


# -- objects


def _text(random: Random, letters: str, longest: int) -> str:
    return "".join(random.choice(letters) for _ in range(random.randint(0, longest)))


def _pattern(random: Random) -> str:
    """An ARN pattern of objects: of one bucket, of several, or of any."""
    key = _text(random, "ab/**?", 3)
    if random.random() < 0.15:
        return random.choice(["*", f"*/{key}", f"*{key}", f"*x{key}"])
    head = random.choice(["arn:aws:s3:::"] * 4 + ["arn:*:s3:::", "arn:aws:s3:*:*:"])
    bucket = random.choice(["b", "b", "b", "ab", "*", "*b", "?b", "a*", "c", "*xx"])
    return f"{head}{bucket}/{key or '*'}"


def _statements(random: Random, allows: int, denials: int) -> list[Statement]:
    found: list[Statement] = []
    for effect, most in (("Allow", allows), ("Deny", denials)):
        for _ in range(random.randint(effect == "Allow", most)):
            is_inverted = random.random() < (0.1 if effect == "Allow" else 0.25)
            patterns = [_pattern(random) for _ in range(random.randint(1, 2))]
            if effect == "Deny" and "Resource" in found[0] and random.random() < 0.3:
                # Just what is allowed, in other words.
                patterns[0] = found[0]["Resource"][0].replace("arn:*:s3", "arn:aws:s3")
            resource = "NotResource" if is_inverted else "Resource"
            found.append(
                {
                    "Effect": effect,
                    "Action": random.choice(["s3:PutObject", "s3:ReplicateObject", "s3:*"]),
                    resource: patterns,
                }
            )
    return found


def _policies(random: Random) -> tuple[list[Statement], list[Statement] | None]:
    own = _statements(random, 2, 2)
    return own, _statements(random, 2, 1) if random.random() < 0.3 else None


def test_bucket_notifications() -> None:
    """Every key of two buckets, for prefixes, suffixes, Deny, NotResource and boundaries."""
    random, tally = Random(26), Tally()  # noqa: S311 (the same cases each time)
    for _ in range(800):
        own, boundary = _policies(random)
        filters = [
            (bucket, _text(random, "ab/", 2), _text(random, "ab/", 1))
            for bucket in random.sample(naive.BUCKETS, random.randint(1, 2))
        ]
        buckets = tuple(
            Bucket(
                name=bucket,
                notifications=(
                    Notification(
                        target_arn=_FUNCTION,
                        events=("s3:ObjectCreated:*",),
                        prefix=prefix,
                        suffix=suffix,
                        id="n",
                    ),
                ),
            )
            for bucket, prefix, suffix in filters
        )
        written = (naive.OBJECTS[number] for number in naive.may_create(own, boundary))
        is_real = any(
            bucket == where and key.startswith(prefix) and key.endswith(suffix)
            for where, key in written
            for bucket, prefix, suffix in filters
        )
        account = account_of(own, boundary, buckets=buckets)
        tally.judge((own, boundary, filters), account, is_real=is_real)

    assert not tally.wrong
    assert min(tally.proofs[LoopProof.CERTAIN], tally.proofs[LoopProof.RULED_OUT]) > 50
    assert tally.proofs[LoopProof.UNKNOWN] < 50  # through access points


# -- events


def _test(random: Random, letters: str) -> Any:
    text = _text(random, letters, 2) or "a"
    return random.choice(
        [
            text,
            text,
            {"prefix": text},
            {"suffix": text},
            {"wildcard": f"{text[0]}*{_text(random, 'ab', 1)}"},
            {"equals-ignore-case": text.upper()},
            {"anything-but": text},
            {"anything-but": [text, "a"]},
            {"anything-but": {"prefix": text}},
            {"anything-but": {"suffix": text}},
            {"exists": random.random() < 0.7},
            {"numeric": [random.choice("<>="), random.randint(0, 2)]},
        ]
    )


def _tests(random: Random, letters: str = "ab") -> list[Any]:
    return [_test(random, letters) for _ in range(random.randint(1, 2))]


def _rule(pattern: dict[str, Any]) -> Rule:
    return Rule(
        arn=f"arn:aws:events:{_HOME}:rule/r",
        name="r",
        bus_arn=_BUS,
        pattern=json.dumps(pattern),
        targets=(RuleTarget(arn=_FUNCTION, id="t"),),
    )


def _object_pattern(random: Random) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if random.random() < 0.9:
        wanted["key"] = _tests(random, "ab/")
    if random.random() < 0.2:
        wanted["$or"] = [{"size": _tests(random)}, {"etag": _tests(random)}]
    detail: dict[str, Any] = {"object": wanted} if wanted else {}
    if random.random() < 0.6:
        detail["bucket"] = {"name": [random.choice(["b", "ab", {"prefix": "a"}])]}
    pattern: dict[str, Any] = {"source": ["aws.s3"]}
    if detail:
        pattern["detail"] = detail
    return pattern


def test_objects_through_a_bus() -> None:
    """Every key of two buckets that tell EventBridge, for every comparison of a rule."""
    random, tally = Random(27), Tally()  # noqa: S311 (the same cases each time)
    for _ in range(500):
        own, boundary = _policies(random)
        pattern = _object_pattern(random)
        loud = random.sample(naive.BUCKETS, random.randint(1, 2))
        written = (naive.OBJECTS[number] for number in naive.may_create(own, boundary))
        is_real = any(
            bucket in loud and passes(pattern, event)
            for bucket, key in written
            for event in _object_events(bucket, key)
        )
        account = account_of(
            own,
            boundary,
            buckets=tuple(Bucket(name=one, has_event_bridge=True) for one in loud),
            rules=(_rule(pattern),),
        )
        tally.judge((own, boundary, loud, pattern), account, is_real=is_real)

    assert not tally.wrong
    assert min(tally.proofs[LoopProof.CERTAIN], tally.proofs[LoopProof.RULED_OUT]) > 15


def _object_events(bucket: str, key: str) -> list[dict[str, Any]]:
    others: list[dict[str, Any]] = [{"size": 1, "etag": "a"}, {"size": 0}, {"etag": "b/"}]
    return [
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key, **other}},
        }
        for other in others
    ]


_TEXTS: Final = tuple(
    "".join(letters) for length in (1, 2) for letters in product("abx", repeat=length)
)
_DETAILS: Final[tuple[dict[str, Any], ...]] = (
    {},
    *({"n": value} for value in (0, 1, 3, "a", "ab", "bx", "", None)),
    {"n": {"m": "a"}},
    {"m": "a", "n": 2},
)
_EVENTS: Final = tuple(
    {"source": source, "detail-type": kind, "detail": detail}
    for source in _TEXTS
    for kind in _TEXTS
    for detail in _DETAILS
)


def _event_pattern(random: Random) -> dict[str, Any]:
    pattern: dict[str, Any] = {}
    for field in ("source", "detail-type"):
        if random.random() < 0.6:
            pattern[field] = _tests(random)
    if random.random() < 0.4:
        pattern["detail"] = {"n": _tests(random)}
    if not pattern or random.random() < 0.3:
        free = [one for one in ("source", "detail-type") if one not in pattern]
        pattern["$or"] = [
            {free[0]: _tests(random)}
            if free and random.random() < 0.6
            else {"detail": {"m": ["a"]}},
            {"detail": {"n": _tests(random)}} if "detail" not in pattern else {"id": ["a"]},
        ]
    return pattern


def _put_statement(random: Random) -> Statement:
    statement: Statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": [_BUS]}
    condition: dict[str, dict[str, list[str]]] = {}
    for key in ("events:source", "events:detail-type"):
        if random.random() < 0.5:
            operator = random.choice(["StringEquals", "StringLike"])
            values = [_text(random, "ab*" if operator == "StringLike" else "ab", 2) or "a"]
            condition.setdefault(operator, {})[key] = values
    if condition:
        statement["Condition"] = condition
    return statement


def _may_put(statement: Statement, event: dict[str, Any]) -> bool:
    values = {"events:source": event["source"], "events:detail-type": event["detail-type"]}
    return all(
        any(
            naive.fits(wanted, values[key]) if operator == "StringLike" else wanted == values[key]
            for wanted in wanteds
        )
        for operator, lines in statement.get("Condition", {}).items()
        for key, wanteds in lines.items()
    )


def test_events_of_ones_own() -> None:
    """Every event of a few, for conditions of PutEvents and every comparison of a rule."""
    random, tally = Random(28), Tally()  # noqa: S311 (the same cases each time)
    for _ in range(800):
        statement, pattern = _put_statement(random), _event_pattern(random)
        is_real = any(_may_put(statement, event) and passes(pattern, event) for event in _EVENTS)
        account = account_of([statement], rules=(_rule(pattern),))
        tally.judge((statement, pattern), account, is_real=is_real)

    assert not tally.wrong
    assert min(tally.proofs[LoopProof.CERTAIN], tally.proofs[LoopProof.RULED_OUT]) > 50


# -- principals

_QUEUE: Final = f"arn:aws:sqs:{_HOME}:jobs"
_SESSION: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role/copy"
_MEANT_ROLE: Final = (_ROLE,)
_MEANT_SESSION: Final = (f"{_SESSION}/copy", "*")
_MEANT_ACCOUNT: Final = (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
_OTHERS: Final = (
    f"arn:aws:iam::{ACCOUNT}:role/other",
    f"{_SESSION}/other",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/other/copy",
    "210987654321",
    "arn:aws:iam::210987654321:root",
)


def _queue_statements(random: Random, most: int) -> list[Statement]:
    return [
        {
            "Effect": random.choice(["Allow", "Allow", "Deny"]),
            "Action": random.choice(["sqs:SendMessage", "sqs:*", "sqs:ReceiveMessage"]),
            random.choice(["Resource", "Resource", "Resource", "NotResource"]): random.choice(
                [_QUEUE, "*", f"arn:aws:sqs:{_HOME}:*", f"arn:aws:sqs:{_HOME}:j?bs", f"{_QUEUE}x"]
            ),
        }
        for _ in range(random.randint(0, most))
    ]


def _speaks(statement: Statement) -> bool:
    """Whether a statement is about sending to the queue."""
    is_named = naive.fits(statement.get("Resource", statement.get("NotResource")), _QUEUE)
    is_about = is_named is ("Resource" in statement)
    return is_about and naive.fits(statement["Action"], "sqs:SendMessage")


def _may_send(
    own: list[Statement], boundary: list[Statement] | None, resource: list[Statement]
) -> bool:
    """IAM's evaluation for one session of the role, within one account."""

    def told(statements: list[Statement], effect: str, *meant: str) -> bool:
        return any(
            _speaks(one)
            and one["Effect"] == effect
            and (not meant or one["Principal"]["AWS"] in meant)
            for one in statements
        )

    everybody = (*_MEANT_ROLE, *_MEANT_SESSION, *_MEANT_ACCOUNT)
    if told(own, "Deny") or told(boundary or [], "Deny") or told(resource, "Deny", *everybody):
        return False
    is_within = boundary is None or told(boundary, "Allow")
    by_role = told(own, "Allow") or told(resource, "Allow", *_MEANT_ROLE)
    return (by_role and is_within) or told(resource, "Allow", *_MEANT_SESSION)


def test_whom_a_queue_admits() -> None:
    """Policies of a role, its boundary and the queue, in all the ways to mean the role."""
    random, tally = Random(29), Tally()  # noqa: S311 (the same cases each time)
    principals = (*_MEANT_ROLE, *_MEANT_SESSION, *_MEANT_ACCOUNT, *_OTHERS)
    for _ in range(900):
        own = _queue_statements(random, 2)
        boundary = _queue_statements(random, 2) if random.random() < 0.4 else None
        resource = [
            {**one, "Principal": {"AWS": random.choice(principals)}}
            for one in _queue_statements(random, 3)
        ]
        account = account_of(
            own,
            boundary,
            mappings=(MappingDescription(uuid="1", function_arn=_FUNCTION, source_arn=_QUEUE),),
            resource_policies={_QUEUE: _policy("queue", resource).text} if resource else {},
        )
        is_real = _may_send(own, boundary, resource)
        tally.judge((own, boundary, resource), account, is_real=is_real)

    assert not tally.wrong
    assert min(tally.proofs[LoopProof.CERTAIN], tally.proofs[LoopProof.RULED_OUT]) > 50
