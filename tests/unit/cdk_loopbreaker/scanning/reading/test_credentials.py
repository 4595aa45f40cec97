"""What is wrong with credentials and Regions is said in one line, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as e

from bench.worlds.paged_account import refusal
from cdk_loopbreaker.scanning import credentials
from cdk_loopbreaker.scanning.errors import ScanError

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::210987654321:role/path/audit"
CALLER = "arn:aws-cn:sts::123456789012:assumed-role/me/x"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without credentials."""
    for name in ("PROFILE", "DEFAULT_PROFILE", "REGION", "DEFAULT_REGION", "ACCESS_KEY_ID"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def write_profile(tmp_path: Path, *lines: str) -> None:
    """A profile `audit`."""
    (tmp_path / "config").write_text("\n".join(("[profile audit]", *lines)))


class Sts:
    """A session whose one client answers, or fails."""

    available_profiles = ("audit", "prod")

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def create_client(self, *_: Any, **__: Any) -> Any:
        """The client is the session itself."""
        return self

    def get_caller_identity(self) -> Any:
        """The answer, or the error."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def identify(answer: Any) -> credentials.Identity:
    """The identity where AWS answers this."""
    session: Any = Sts(answer)
    return credentials.identify(session, "cn-north-1")


def test_no_credentials() -> None:
    """The line says where they may come from."""
    with pytest.raises(ScanError, match=r"^no AWS credentials: sign in, or choose a --profile"):
        credentials.open_session()


def test_an_unknown_profile(tmp_path: Path) -> None:
    """The known ones are named."""
    write_profile(tmp_path, "region = eu-west-1")

    with pytest.raises(ScanError, match=r"profile \(nobody\).*there are audit"):
        credentials.open_session("nobody")


def test_half_credentials(tmp_path: Path) -> None:
    """A key without its secret is none."""
    write_profile(tmp_path, "aws_access_key_id = A")

    with pytest.raises(ScanError, match="incomplete AWS credentials"):
        credentials.open_session("audit")


def test_a_profile_has_its_region(tmp_path: Path) -> None:
    """Without --region that of the profile counts, or of the environment."""
    write_profile(
        tmp_path, "aws_access_key_id = A", "aws_secret_access_key = B", "region = eu-west-1"
    )
    session = credentials.open_session("audit")

    assert credentials.choose_regions(session, ()) == ("eu-west-1",)
    assert credentials.choose_regions(session, (" US-EAST-1", "us-east-1")) == ("us-east-1",)


def test_the_environment_has_a_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """AWS_REGION is read, which botocore itself does not."""
    write_profile(tmp_path, "aws_access_key_id = A", "aws_secret_access_key = B")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    session = credentials.open_session("audit")
    assert credentials.choose_regions(session, ()) == ("eu-central-1",)


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ((), "no Region: give --region"),
        (("eu-west-9",), "eu-west-9 is no Region .*did you mean eu-west-"),
        (("moon",), "moon is no Region .*write it as eu-west-1"),
        (("eu-west-1", "cn-north-1"), "of different partitions"),
        (("\x1b[31m\n",), "is no Region"),
    ],
)
def test_regions_that_do_not_go(tmp_path: Path, regions: tuple[str, ...], words: str) -> None:
    """Nothing is called before that is found."""
    write_profile(tmp_path, "aws_access_key_id = A", "aws_secret_access_key = B")

    with pytest.raises(ScanError, match=words) as raised:
        credentials.choose_regions(credentials.open_session("audit"), regions)

    assert str(raised.value).isprintable()


def test_the_identity_tells_the_partition() -> None:
    """It is that of the caller's ARN."""
    found = identify({"Account": "123456789012", "Arn": CALLER})

    assert (found.account, found.partition) == ("123456789012", "aws-cn")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal("ExpiredToken", "GetCallerIdentity"), "have expired: sign in again"),
        (refusal("InvalidClientTokenId", "GetCallerIdentity"), "does not accept the credentials"),
        (refusal("AccessDenied", "AssumeRole"), "the role of --role-arn cannot be assumed"),
        (refusal("Whatever", "GetCallerIdentity"), "GetCallerIdentity failed: Whatever"),
        (
            e.EndpointConnectionError(endpoint_url="https://x"),
            "AWS cannot be reached in cn-north-1",
        ),
        (e.UnauthorizedSSOTokenError(), "sign in again"),
        ({}, "what answers there is not AWS"),
        ({"Account": "1", "Arn": "me"}, "what answers there is not AWS"),
    ],
)
def test_an_identity_that_cannot_be_told(answer: Any, words: str) -> None:
    """One line for each reason."""
    with pytest.raises(ScanError, match=words) as raised:
        identify(answer)

    assert "\n" not in str(raised.value)


def test_a_role_has_credentials_of_its_own(tmp_path: Path) -> None:
    """They are fetched when they are needed, and renewed."""
    write_profile(tmp_path, "aws_access_key_id = A", "aws_secret_access_key = B")
    session = credentials.assume_role(credentials.open_session("audit"), ROLE, "eu-west-1")
    found = session.get_credentials()

    assert found is not None
    assert found.method == "assume-role"


def test_a_role_that_is_none() -> None:
    """The line shows how one is written."""
    session: Any = Sts(None)

    with pytest.raises(ScanError, match="audit is no role: write it as arn:aws:iam::"):
        credentials.assume_role(session, "audit", "eu-west-1")


def test_partitions_of_regions() -> None:
    """Also of Regions that nobody knows yet."""
    found = [credentials.find_partition(one) for one in ("", "eu-west-1", "cn-north-1", "moon")]

    assert found == ["aws", "aws", "aws-cn", "aws"]


def test_a_client_is_made_once(tmp_path: Path) -> None:
    """For each service, in the Region that is scanned."""
    write_profile(tmp_path, "aws_access_key_id = A", "aws_secret_access_key = B")
    make = credentials.make_clients(credentials.open_session("audit"), "eu-west-3")

    assert make("sqs") is make("sqs")
    assert make("sqs").meta.region_name == "eu-west-3"
