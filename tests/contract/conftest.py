"""Every contract test runs twice: against the fakes, and against the adapters on a local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.aws.runtime import clients
from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import create_ledger
from tests.contract.stage import unique
from tests.contract.staging.aws import AwsStage
from tests.contract.staging.fake import FakeStage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.stage import Stage


@pytest.fixture(scope="session")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS, and an environment in which the adapters' clients talk to it."""
    with LocalAws() as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        clients.forget()
        yield aws
        clients.forget()


@pytest.fixture
def aws_stage(shared_aws: LocalAws) -> AwsStage:
    """The adapters, with a table and a topic of their own."""
    table = unique("ledger")
    create_ledger(shared_aws.client("dynamodb"), table)
    return AwsStage(shared_aws, table)


@pytest.fixture(params=["fake", "aws"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """The world of the test."""
    if request.param == "fake":
        return FakeStage()
    stage: Stage = request.getfixturevalue("aws_stage")
    return stage
