"""Connecting with AWS: as whom, and where. Nothing here needs a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.operating.connection import connect, find_caller, open_session
from cdk_loopbreaker.operating.errors import OperatingError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[default]
region = eu-central-1

[profile away]
region = ap-south-1
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration without credentials, and nothing of this machine's."""
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in (
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("profile", "region", "variable", "wanted"),
    [
        (None, None, None, "eu-central-1"),
        ("away", None, None, "ap-south-1"),
        ("away", None, "eu-west-1", "eu-west-1"),
        ("away", "us-west-2", "eu-west-1", "us-west-2"),
    ],
)
def test_the_region(
    profile: str | None,
    region: str | None,
    variable: str | None,
    wanted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The option counts first, then AWS_REGION, then the profile."""
    if variable:
        monkeypatch.setenv("AWS_REGION", variable)

    assert connect(open_session(profile, region)).region == wanted


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any configuration."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(OperatingError, match="no Region: give --region, or set AWS_REGION"):
        connect(open_session(None, None))


@pytest.mark.parametrize("region", ["eu_west_1", "eu-west-1/", "eu west", "-"])
def test_a_region_that_cannot_be(region: str) -> None:
    """It is not sent anywhere."""
    with pytest.raises(OperatingError, match="is not a Region: write one such as eu-west-1"):
        connect(open_session(None, region))


def test_an_unknown_profile() -> None:
    """It is named."""
    with pytest.raises(OperatingError, match="nobody"):
        open_session("nobody", None)


def test_without_credentials_each_request_says_so() -> None:
    """The invocation is not even sent."""
    with pytest.raises(OperatingError, match="no AWS credentials"):
        connect(open_session(None, None)).read_status()


def test_nobody_knows_who_calls() -> None:
    """A stop does not wait for that, and does not fail for it."""
    assert find_caller(open_session(None, None)) == ""


def test_the_sdk_repeats_nothing() -> None:
    """An invocation that it repeats by itself could come twice."""
    config = connect(open_session(None, None)).client.meta.config

    assert config.retries == {"total_max_attempts": 1, "mode": "legacy"}
    assert config.read_timeout >= 180
