import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.aws.runtime import clients
from functions.aws.runtime.json_answers import convert_to_utc

NOON = datetime(2026, 3, 10, 12, 3, 30, tzinfo=UTC)
SECONDS = NOON.timestamp()


@pytest.mark.parametrize("value", [int(SECONDS), SECONDS, "2026-03-10T12:03:30Z", str(SECONDS)])
def test_reads_timestamps_in_every_form(value: object) -> None:
    """Numbers and text become the same moment, with a time zone."""
    moment = convert_to_utc(value)

    assert moment == NOON
    assert moment.tzinfo is not None


def parsed(service: str, operation: str, document: Any) -> Any:
    """What a client of the guard makes of a JSON answer."""
    session = clients.make_session()
    model = session.get_service_model(service)
    factory = session.get_component("response_parser_factory")
    answer = {"body": json.dumps(document).encode(), "headers": {}, "status_code": 200}
    parser = factory.create_parser(model.resolved_protocol)
    return parser.parse(answer, model.operation_model(operation).output_shape)


def test_reads_datapoints_in_milliseconds() -> None:
    """14 days of datapoints are read in a few milliseconds, with every value."""
    count = 4032
    document = {
        "MetricDataResults": [
            {
                "Id": "p0",
                "Timestamps": [SECONDS + 300 * number for number in range(count)],
                "Values": [float(number) for number in range(count)],
                "StatusCode": "Complete",
            }
        ]
    }
    parsed("cloudwatch", "GetMetricData", document)  # the service's model is read the first time

    started = time.process_time()
    answer = parsed("cloudwatch", "GetMetricData", document)
    took = time.process_time() - started

    assert answer["MetricDataResults"][0]["Values"][-1] == count - 1
    assert answer["MetricDataResults"][0]["StatusCode"] == "Complete"
    assert took < 1.0  # with the model: far from a limit, for slow machines


def test_single_timestamps_are_moments() -> None:
    """Outside of lists timestamps are what botocore makes of them, in UTC."""
    document = {"Table": {"TableName": "ledger", "CreationDateTime": SECONDS}}

    table = parsed("dynamodb", "DescribeTable", document)["Table"]

    assert table == {"TableName": "ledger", "CreationDateTime": NOON}


def test_cloudwatch_is_read_as_json() -> None:
    """The pinned SDK speaks the protocol with the fast way to CloudWatch."""
    session = clients.make_session()
    protocol = session.get_service_model("cloudwatch").resolved_protocol
    parser = session.get_component("response_parser_factory").create_parser(protocol)

    assert protocol == "json"
    assert type(parser).__name__ == "_AnswerParser"
