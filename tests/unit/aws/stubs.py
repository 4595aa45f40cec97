"""Clients whose calls are answered from a list, strictly in its order."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from functions.aws.runtime import clients

if TYPE_CHECKING:
    from collections.abc import Iterator


def use_any_credentials(patch: pytest.MonkeyPatch) -> None:
    """Let the adapters make clients of their own, which nothing answers."""
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_ACCESS_KEY_ID", "any")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    clients.forget()


@functools.cache
def offline_client(service: str) -> Any:
    """One client of a service for all tests: making one takes longer than any of them."""
    return clients.make_session().create_client(
        service,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


class Script:
    """A client, and the calls that it is to get, with their answers."""

    def __init__(self, service: str) -> None:
        self.client = offline_client(service)
        self._stubber = Stubber(self.client)
        self._stubber.activate()

    def answer(self, operation: str, answer: Any = None, **expected: Any) -> None:
        """Answer the next call, which must have these parameters (any, if none are given)."""
        self._stubber.add_response(operation, answer or {}, expected or None)

    def refuse(
        self, operation: str, code: str, words: str = "AWS's words", status: int = 400
    ) -> None:
        """Let the next call fail."""
        self._stubber.add_client_error(operation, code, words, http_status_code=status)

    def done(self) -> None:
        """Check that every call was made, and leave the client to the next test."""
        self._stubber.deactivate()
        self._stubber.assert_no_pending_responses()


def scripted(service: str) -> Any:
    """A fixture: a script of a service, which must be played to its end."""

    @pytest.fixture
    def play() -> Iterator[Script]:
        script = Script(service)
        yield script
        script.done()

    return play
