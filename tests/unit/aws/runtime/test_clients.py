import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore
import pytest

from functions.aws.runtime import clients
from tests.unit.aws.stubs import use_any_credentials

PROJECT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    use_any_credentials(monkeypatch)


def test_makes_each_client_once() -> None:
    """Threads that ask at the same time share one client."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clients.make_sns_client(), range(8)))

    assert {id(made[0])} == {id(one) for one in made}


def test_every_service_has_its_client() -> None:
    """The five clients are those of their services."""
    made = [
        clients.make_lambda_client(),
        clients.make_cloudwatch_client(),
        clients.make_dynamodb_client(),
        clients.make_sns_client(),
        clients.make_tagging_client(),
    ]

    names = [one.meta.service_model.service_name for one in made]
    assert names == ["lambda", "cloudwatch", "dynamodb", "sns", "resourcegroupstaggingapi"]


def test_refuses_what_is_not_bundled() -> None:
    """A client that could not be made in AWS is not made in a test either."""
    with pytest.raises(ValueError, match=r"ec2 is not bundled: functions/services\.py lists"):
        clients.make_reading_client("ec2")


def test_logs_the_sdk_once(caplog: pytest.LogCaptureFixture) -> None:
    """The first client of CloudWatch writes down which SDK speaks to it, and how."""
    clients.make_sns_client()
    clients.make_cloudwatch_client()
    clients.make_cloudwatch_client()

    (record,) = (vars(one) for one in caplog.records if one.message == "AWS SDK")
    assert record["botocore"] == botocore.__version__
    assert record["path"] == botocore.__path__[0]
    assert record["cloudwatch_protocol"] == "json"


def test_bounds_every_call() -> None:
    """Attempts and timeouts are bounded, of the ledger and CloudWatch more narrowly."""
    ledger: Any = clients.make_dynamodb_client().meta.config
    metrics: Any = clients.make_cloudwatch_client().meta.config
    other: Any = clients.make_lambda_client().meta.config

    assert (ledger.connect_timeout, ledger.read_timeout) == (1, 3)
    assert ledger.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (metrics.connect_timeout, metrics.read_timeout) == (2, 8)
    assert metrics.retries == {"mode": "standard", "total_max_attempts": 2}
    assert (other.connect_timeout, other.read_timeout) == (2, 10)
    assert other.retries == {"mode": "standard", "total_max_attempts": 4}


def test_an_event_takes_3_seconds_at_worst() -> None:
    """A later run sends it again; mails keep the patience that they had."""
    for client in (clients.make_event_bus_client(), clients.make_chat_client()):
        config: Any = client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (1, 2)
        assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert clients.make_chat_client() is not clients.make_sns_client()
    assert clients.make_event_bus_client() is not clients.make_events_client()


def test_imports_create_nothing() -> None:
    """Importing every adapter loads neither boto3 nor a session, and asks for no credentials."""
    modules = [
        "runtime.clients",
        "incidents.lambda_functions",
        "detection.lambda_metrics",
        "runtime.observability",
        "incidents.publisher",
        "records.incidents.ledger",
        "incidents.signals",
    ]
    heavy = {"boto3", "botocore.client", "botocore.session"}
    code = (
        f"import sys, {', '.join(f'functions.aws.{name}' for name in modules)}\n"
        f"sys.exit(bool({heavy} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)  # noqa: S603

    assert done.returncode == 0
