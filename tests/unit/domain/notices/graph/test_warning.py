"""The warnings: texts that people have read and found good, and limits for everything else.

``REWRITE_NOTICES=1 pytest tests/unit/domain/notices/graph/test_warning.py`` writes the texts anew:
read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.account.inventory import (
    Account,
    Area,
    FunctionDescription,
    Gap,
    MappingDescription,
    NamedPolicy,
    Queue,
    Role,
)
from functions.domain.graph.build import build
from functions.domain.notices.graph.warning import (
    compose_blind_spots,
    compose_digest,
    compose_warning,
    compose_warnings,
)
from functions.domain.notices.notice import Deployment

if TYPE_CHECKING:
    from functions.domain.graph.model import Loop
    from functions.domain.notices.notice import Notice

HERE: Final = Path(__file__).parent
REWRITE: Final = bool(os.environ.get("REWRITE_NOTICES"))
READ_AT: Final = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PLACE: Final = Deployment(region="eu-west-1", account="123456789012", stack_name="Loopbreaker")
HOME: Final = "eu-west-1:123456789012"
ORDERS: Final = f"arn:aws:dynamodb:{HOME}:table/orders"
QUEUE: Final = f"arn:aws:sqs:{HOME}:requeue"


def role(name: str, *statements: dict[str, object]) -> Role:
    """A role with one inline policy."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Role(
        arn=f"arn:aws:iam::123456789012:role/{name}",
        policies=(NamedPolicy(name=f"{name}-policy", text=text),),
    )


def allow(action: str, resource: str) -> dict[str, object]:
    """A statement."""
    return {"Sid": "Write", "Effect": "Allow", "Action": action, "Resource": resource}


def account(
    statement: dict[str, object],
    source: str,
    name: str = "enrich-order",
    *,
    recursive_loop: str = "Terminate",
) -> Account:
    """One function, what triggers it, and what it may write."""
    own = role(f"{name}-role", statement)
    arn = f"arn:aws:lambda:{HOME}:function:{name}"
    return Account(
        account="123456789012",
        region="eu-west-1",
        at=READ_AT,
        functions=(
            FunctionDescription(
                name=name,
                arn=arn,
                role_arn=own.arn,
                log_group=f"/aws/lambda/{name}",
                recursive_loop=recursive_loop,
            ),
        ),
        roles={own.arn: own},
        mappings=(
            MappingDescription(
                uuid="7d1f6f0e-3c5a-4f0e-9c66-3f5b3e0b8a11", function_arn=arn, source_arn=source
            ),
        ),
        queues=(Queue(arn=QUEUE),),
        resource_policies={QUEUE: "", ORDERS: ""},
    )


def loop(of: Account) -> Loop:
    """The only loop of an account."""
    (found,) = build(of).loops
    return found


CERTAIN: Final = account(allow("dynamodb:PutItem", ORDERS), f"{ORDERS}/stream/2026")
POSSIBLE: Final = account(allow("dynamodb:*", "*"), f"{ORDERS}/stream/2026")
BY_QUEUE: Final = account(allow("sqs:SendMessage", QUEUE), QUEUE, "retry")
ALLOWED: Final = account(allow("sqs:SendMessage", QUEUE), QUEUE, "retry", recursive_loop="Allow")
UNREAD: Final = account(allow("sqs:SendMessage", QUEUE), QUEUE, "retry", recursive_loop="")
GAPS: Final = (
    Gap(
        area=Area.BUCKETS,
        words="AccessDenied: User is not authorized with an explicit deny in a service control"
        " policy",
        action="s3:ListAllMyBuckets",
    ),
    Gap(area=Area.PIPES, words="AccessDeniedException: no", action="pipes:ListPipes"),
)


def many(count: int) -> tuple[Loop, ...]:
    """Loops of as many accounts."""
    return tuple(
        loop(account(allow("dynamodb:PutItem", ORDERS), f"{ORDERS}/stream/2026", f"enrich-{one}"))
        for one in range(count)
    )


SAMPLES: Final = {
    "certain": compose_warning(loop(CERTAIN), PLACE, READ_AT),
    "allowed": compose_warning(loop(ALLOWED), PLACE, READ_AT),
    "setting_unread": compose_warning(loop(UNREAD), PLACE, READ_AT),
    "first_look": compose_warnings((loop(CERTAIN), loop(ALLOWED)), PLACE, READ_AT, is_first=True)[
        0
    ].notice,
    "digest": compose_digest((loop(POSSIBLE), loop(BY_QUEUE)), 14, PLACE, READ_AT)[0].notice,
    "many_at_once": compose_warnings(many(30), PLACE, READ_AT, is_first=False)[0].notice,
    "blind_spots": compose_blind_spots(GAPS, PLACE, READ_AT),
}


def printed(notice: Notice) -> str:
    """As a mail."""
    return f"Subject: {notice.subject}\n\n{notice.body}"


@pytest.mark.parametrize("name", SAMPLES)
def test_texts(name: str) -> None:
    """Each warning is the text that was read and found good."""
    path = HERE / "golden" / f"{name}.txt"
    if REWRITE:
        path.write_text(printed(SAMPLES[name]))

    assert printed(SAMPLES[name]) == path.read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_fits_sns_and_a_phone(name: str) -> None:
    """A subject below 100 characters, and no control characters anywhere."""
    notice = SAMPLES[name]

    assert len(notice.subject) < 100
    assert notice.subject.isprintable()
    assert len(notice.body.encode()) < 262_144
    assert all(line.isprintable() for line in notice.body.splitlines())


def test_says_that_nothing_has_happened() -> None:
    """Whoever reads it at a deployment need not fear, and finds no restore command."""
    for name in ("certain", "setting_unread", "allowed", "first_look", "many_at_once", "digest"):
        assert "othing was changed" in SAMPLES[name].body
        assert "rollback=" not in SAMPLES[name].body


def test_no_loops_no_notice() -> None:
    """Nothing is told where nothing is new."""
    assert compose_warnings((), PLACE, READ_AT, is_first=True) == ()


def test_few_loops_come_one_by_one() -> None:
    """Up to five new loops are told of in a notice each."""
    told = compose_warnings(many(5), PLACE, READ_AT, is_first=False)

    assert [len(one.keys) for one in told] == [1] * 5
    assert len(compose_warnings(many(6), PLACE, READ_AT, is_first=False)) == 1


def test_a_combined_notice_reports_all_its_loops() -> None:
    """Loops that a long notice leaves out by name count as told of, too."""
    (told,) = compose_warnings(many(30), PLACE, READ_AT, is_first=False)

    assert len(set(told.keys)) == 30
    assert "10 more loops" in told.notice.body


def possible(count: int, name: str = "enrich") -> tuple[Loop, ...]:
    """Possible loops of as many accounts."""
    return tuple(
        loop(account(allow("dynamodb:*", "*"), f"{ORDERS}/stream/2026", f"{name}-{one}"))
        for one in range(count)
    )


def test_a_digest_lists_each_new_loop_with_its_command() -> None:
    """The drawing on one line, and below it the tag that accepts it."""
    (told,) = compose_digest(possible(3), 14, PLACE, READ_AT)
    lines = told.notice.body.splitlines()

    assert told.notice.subject == "[Loopbreaker] POSSIBLE LOOPS: 3 new, 14 in all"
    for number in range(3):
        at = lines.index(f"{number + 1}. orders ─stream▶ enrich-{number} ╌PutItem▷ orders")
        assert f"function:enrich-{number} --tags 'loopbreaker:accepted-loop=" in lines[at + 2]
    assert "- 11 loops of earlier digests." in lines


@pytest.mark.thorough
def test_a_digest_reports_only_what_it_lists() -> None:
    """Where the new loops are too many for one mail, the others wait for the next."""
    loops = possible(200, "a-long-name-of-a-function-in-production")

    (told,) = compose_digest(loops, 200, PLACE, READ_AT)
    (rest,) = compose_digest(
        [one for one in loops if one.key not in told.keys], 200, PLACE, READ_AT
    )

    assert 20 < len(told.keys) < 200
    assert len({*told.keys, *rest.keys}) == len(told.keys) + len(rest.keys)
    assert told.notice.body.count("accepted-loop=") == len(told.keys)
    assert f"- {200 - len(told.keys)} new loops, for the next digest." in told.notice.body
    assert len(told.notice.body.encode()) <= 32_000


def test_a_digest_without_new_loops_is_none() -> None:
    """Nothing new is no mail, however many there are in all."""
    assert compose_digest((), 14, PLACE, READ_AT) == ()


def test_a_stranger_place() -> None:
    """Without Region and account the notice leaves out what needs them."""
    notice = compose_warning(loop(CERTAIN), Deployment(), READ_AT)

    assert "--region" not in notice.body
    assert "None" not in notice.body


@pytest.mark.parametrize("name", ["x" * 64, "a\nb\tc", "naïve-ünïcode", "-c email=me@evil"])
def test_any_name(name: str) -> None:
    """Names come from the account: whatever they are, the notice stays a notice."""
    of = account(allow("dynamodb:PutItem", ORDERS), f"{ORDERS}/stream/2026", name)
    notice = compose_warning(loop(replace(of)), PLACE, READ_AT)

    assert len(notice.subject) < 100
    assert notice.subject.isprintable()
    assert "\t" not in notice.body
