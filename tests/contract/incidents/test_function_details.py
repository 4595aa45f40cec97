"""A function's versions and aliases, as the diagnosis asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.aws.diagnosis.function_details import DetailsReader
from tests.contract.test_account_reader import function, role

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws


def test_an_alias_has_the_configuration_of_its_version(shared_aws: LocalAws) -> None:
    """What is changed after a version was published is no part of it."""
    client = shared_aws.client("lambda")
    logs = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    function(shared_aws, "report", role(shared_aws, "report-role", logs), MemorySize=256)
    reader = DetailsReader(client)
    before = reader.read_aliases("report")
    client.publish_version(FunctionName="report")
    client.create_alias(FunctionName="report", Name="live", FunctionVersion="1")
    client.update_function_configuration(FunctionName="report", MemorySize=512)

    latest, live = reader.of("report"), reader.of("report", "live")

    assert (before, reader.read_aliases("report")) == ((), ("live",))
    assert (latest.version, latest.memory_mb) == ("$LATEST", 512)
    assert (live.version, live.memory_mb) == ("1", 256)
