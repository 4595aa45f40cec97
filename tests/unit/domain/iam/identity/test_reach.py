"""How far a statement reaches, and what stays open."""

import pytest

from functions.domain.iam.access import (
    Because,
    Reach,
    read_rights,
)
from tests.unit.domain.iam.identity.identities import (
    ALLOWED,
    BUCKET,
    IF_TAGGED,
    POSSIBLE,
    Statement,
    allow,
    deny,
    identity,
)


def test_reach() -> None:
    """The prefixes that a role may write are told apart, with what is denied of them."""
    own = identity(
        allow("s3:PutObject", [f"{BUCKET}/out/*", "arn:aws:s3:::other/*"], Sid="Out"),
        allow("s3:*Object", f"{BUCKET}/new/*", Sid="Temporary", Condition=IF_TAGGED),
        deny("s3:PutObject", f"{BUCKET}/out/final/*", Sid="Final"),
    )

    found = read_rights(own, "s3:PutObject").reach(f"{BUCKET}/*")

    assert found == (
        Reach(
            pattern=f"{BUCKET}/out/*",
            excluded=(f"{BUCKET}/out/final/*",),
            access=ALLOWED,
            because=Because.ALLOW_STATEMENT,
            policy="own",
            sid="Out",
        ),
        Reach(
            pattern=f"{BUCKET}/new/*",
            access=POSSIBLE,
            because=Because.CONDITION,
            policy="own",
            sid="Temporary",
            conditions=found[1].conditions,
            doubts=found[1].conditions,
        ),
    )
    assert [line.key for line in found[1].conditions] == ["aws:PrincipalTag/team"]
    assert found[1].is_conditional
    assert found[0].answer.access is ALLOWED


@pytest.mark.parametrize(
    ("statements", "conditions", "doubts"),
    [
        ([allow("s3:*", Condition=IF_TAGGED)], 1, 1),
        (
            [allow("s3:*", Condition=IF_TAGGED), deny("s3:*", f"{BUCKET}/x", Condition=IF_TAGGED)],
            1,
            1,
        ),
        ([allow("s3:*", Condition=IF_TAGGED), deny("s3:*", Condition=IF_TAGGED)], 0, 2),
        ([allow("s3:*", f"{BUCKET}/${{aws:username}}/*", Condition=IF_TAGGED)], 0, 1),
        ([allow("s3:*"), deny("s3:*", Condition=IF_TAGGED)], 0, 1),
        ([allow("s3:*")], 0, 0),
    ],
)
def test_what_is_open(statements: list[Statement], conditions: int, doubts: int) -> None:
    """Conditions are only named as such where, if they hold, the role certainly may."""
    (found,) = read_rights(identity(*statements), "s3:PutObject").reach(f"{BUCKET}/*")

    assert (conditions, doubts) == (len(found.conditions), len(found.doubts))


def test_reach_of_a_wide_statement() -> None:
    """A statement on everything reaches what was asked for and no more."""
    (found,) = read_rights(identity(allow("*")), "s3:PutObject").reach(f"{BUCKET}/*")

    assert found.pattern == f"{BUCKET}/*"


def test_reach_through_a_boundary() -> None:
    """A role reaches what statement and boundary allow together."""
    own = identity(allow("s3:*"), boundary=(allow("s3:*", [f"{BUCKET}/out/*", f"{BUCKET}/new/*"]),))

    found = read_rights(own, "s3:PutObject").reach(f"{BUCKET}/*")

    assert [reach.pattern for reach in found] == [f"{BUCKET}/out/*", f"{BUCKET}/new/*"]
