"""Answers that are none of AWS's, in the protocol of each service that is called."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.aws.runtime import clients
from functions.aws.runtime.errors import AWS_ERRORS
from tests.unit.aws.stubs import use_any_credentials

BODIES: Final = (
    b"",
    b"<html>503</html>",
    b"{",
    b"[]",
    b"null",
    b"7",
    b"\xff\xfe\x00",
    b"\xbf\x61a\xff",
    b'{"Functions": 7, "Item": 5, "MetricDataResults": 5}',
    b'{"Functions": [{"MemorySize": "x"}], "Item": {"a": {"B": "!"}}}',
    b"<ErrorResponse><Error/></ErrorResponse>",
    b'{"__type": 5, "message": []}',
)


class _Raw:
    """The body of an answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_given: Any) -> list[bytes]:
        """All of it at once."""
        return [self._body]


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    use_any_credentials(monkeypatch)


@pytest.mark.thorough
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", BODIES)
def test_whatever_is_answered_is_an_answer_or_an_error_of_aws(body: bytes, status: int) -> None:
    """No answer raises anything that adapters do not translate."""
    lambda_: Any = clients.make_lambda_client()
    dynamodb: Any = clients.make_dynamodb_client()
    sns: Any = clients.make_sns_client()
    cloudwatch: Any = clients.make_cloudwatch_client()

    def answer(**_given: Any) -> AWSResponse:
        return AWSResponse("https://any", status, HTTPHeaders(), _Raw(body))

    for client in (lambda_, dynamodb, sns, cloudwatch):
        client.meta.events.register("before-send", answer)
    calls: Any = (
        lambda_.list_functions,
        lambda: dynamodb.get_item(TableName="t", Key={"a": {"S": "b"}}),
        lambda: sns.publish(TopicArn="t", Message="m"),
        lambda: cloudwatch.get_metric_data(MetricDataQueries=[], StartTime=0, EndTime=1),
    )
    for call in calls:
        try:
            call()
        except AWS_ERRORS as error:
            assert str(error)  # noqa: PT017 (it may also be an answer)
