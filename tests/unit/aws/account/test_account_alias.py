"""The alias of the account: read once, and never in anybody's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectTimeoutError

from functions.aws.account.account_alias import AccountAlias
from functions.aws.runtime import clients
from functions.domain.notices.notice import Deployment
from tests.unit.aws.stubs import scripted, use_any_credentials

if TYPE_CHECKING:
    import pytest

    from tests.unit.aws.stubs import Script

PLACE = Deployment(region="eu-west-1", account="123456789012")


script = scripted("iam")


def test_the_alias_is_read_once(script: Script) -> None:
    """Each execution environment makes one call, however many mails it composes."""
    names = AccountAlias(lambda: script.client)
    script.answer("list_account_aliases", {"AccountAliases": ["prod-eu"], "IsTruncated": False})

    first, second = names.add_alias(PLACE), names.add_alias(PLACE)

    assert first == second
    assert first.account_alias == "prod-eu"
    assert (first.region, first.account) == ("eu-west-1", "123456789012")


def test_without_an_alias_there_is_the_number(script: Script) -> None:
    """Most accounts have none."""
    names = AccountAlias(lambda: script.client)
    script.answer("list_account_aliases", {"AccountAliases": [], "IsTruncated": False})

    assert [names.add_alias(PLACE), names.add_alias(PLACE)] == [PLACE, PLACE]


def test_a_refusal_is_not_tried_again(script: Script) -> None:
    """Whoever is denied the name sends mails without it, and asks nobody for it twice."""
    names = AccountAlias(lambda: script.client)
    script.refuse("list_account_aliases", "AccessDenied")

    assert [names.add_alias(PLACE), names.add_alias(PLACE)] == [PLACE, PLACE]


def test_an_endpoint_that_cannot_be_reached_is_not_tried_again() -> None:
    """As a refusal."""
    asked = []

    class Unreachable:
        def list_account_aliases(self) -> None:
            asked.append(1)
            raise ConnectTimeoutError(endpoint_url="https://iam.amazonaws.com")

    names = AccountAlias(Unreachable)  # type: ignore[arg-type]

    assert [names.add_alias(PLACE), names.add_alias(PLACE)] == [PLACE, PLACE]
    assert len(asked) == 1


def test_its_client_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt, a second for each of its halves, and no waiting for IAM to propagate."""
    use_any_credentials(monkeypatch)

    client = clients.make_alias_client()
    other = clients.make_iam_client()

    assert client is not other
    config: Any = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
    assert config.retries["total_max_attempts"] == 1
    clients.forget()
