"""What a thing does not let the guard read by itself, and what the guard's own policy lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account import facts as f
from functions.domain.account.inventory import Area
from tests.unit.aws.account.reading import NOW, SIZE, begun, reader

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account, Gap

_DENIED = "User: chart is not authorized to perform: this on resource: that"
_BY_ITSELF = f"{_DENIED} with an explicit deny in a resource-based policy"


class _World:
    """An account some of whose buckets and state machines refuse to be read."""

    def __init__(self, code: str, words: str) -> None:
        self.aws = grown(SIZE)
        self.refusing: set[str] = set()
        self._error = ClientError({"Error": {"Code": code, "Message": words}}, "any")
        self._answer = self.aws.answer
        self.aws.answer = self.answer  # type: ignore[method-assign]

    def answer(self, service: str, method: str, given: Any) -> dict[str, Any]:
        """The account's answer, or a refusal."""
        if self.refusing & {given.get("Bucket"), given.get("stateMachineArn")}:
            raise self._error
        return self._answer(service, method, given)

    def read(self, facts: f.Facts) -> Account:
        """The account as a reading tells it."""
        account = reader(self.aws).read(facts)
        assert account is not None
        return account


def _list_gaps(account: Account, area: Area) -> list[Gap]:
    return [one for one in account.gaps if one.area is area]


@pytest.mark.parametrize(
    ("words", "action"), [(_DENIED, "s3:GetBucketNotification"), (_BY_ITSELF, "")]
)
def test_a_bucket_that_refuses_hides_no_other_in_any_reading(words: str, action: str) -> None:
    """An hour later those that were answered are not asked for again, and known all the same.

    What a policy of its own refuses is not lacking in the guard's.
    """
    world = _World("AccessDenied", words)
    refusing = max(world.aws.buckets)
    world.refusing.add(refusing)
    facts = begun()

    for _ in range(2):
        account = world.read(facts)
        facts = f.begin(ACCOUNT, REGION, "aws", NOW, carried_from=facts)

        (gap,) = _list_gaps(account, Area.BUCKETS)
        assert (gap.resource, gap.action) == (refusing, action)
        assert account.sees(Area.BUCKETS)


@pytest.mark.parametrize(
    ("code", "words"),
    [("KmsAccessDeniedException", "the key is not for you"), ("AccessDenied", _BY_ITSELF)],
)
def test_things_that_refuse_by_themselves_are_no_missing_permission(code: str, words: str) -> None:
    """However many of them there are, and whatever is asked first."""
    world = _World(code, words)
    world.refusing.update(world.aws.machines)

    account = world.read(begun())

    gaps = _list_gaps(account, Area.STATE_MACHINES)
    assert {(one.resource, one.action) for one in gaps} == {(one, "") for one in world.refusing}
    assert account.sees(Area.STATE_MACHINES)
