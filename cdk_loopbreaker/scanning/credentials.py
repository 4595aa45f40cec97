"""Who scans: credentials, Regions and clients, and what is wrong with them in one line."""

from __future__ import annotations

import difflib
import functools
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import botocore
import botocore.session
from botocore import exceptions as e
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)

from cdk_loopbreaker.aws_errors import explain_access_error, is_denied
from cdk_loopbreaker.scanning.errors import ScanError
from functions.aws.runtime.clients import make_session
from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botocore.session import Session

_SESSION_NAME: Final = "loopbreaker-scan"
_USER_AGENT: Final = "loopbreaker-scan"
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}")
_CONNECT_SECONDS: Final = 5
# A page of roles with all their policies takes long to put together.
_READ_SECONDS: Final = 30
# Attempts are the reading's own, which keeps a pace: one more covers a broken connection.
_ATTEMPTS: Final = 2
_CONNECTIONS: Final = 10
_SIMILAR: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom AWS takes the credentials for."""

    account: str
    partition: str


def open_session(profile: str = "") -> Session:
    """A session with the credentials of a profile, the environment or the machine.

    Parameters
    ----------
    profile
        Empty for `AWS_PROFILE`, or the default one.

    Raises
    ------
    ScanError
        When the profile does not exist, or there are no credentials.
    """
    session = make_session()
    if profile:
        session.set_config_variable("profile", profile)
    try:
        if session.get_credentials() is None:
            raise _translate(e.NoCredentialsError())
    except AWS_ERRORS as error:
        raise _translate(error) from error
    return session


def assume_role(session: Session, role_arn: str, region: str) -> Session:
    """A session with the credentials of a role, which are renewed while the scan lasts.

    The role is assumed with the first call.

    Raises
    ------
    ScanError
        When it is no role.
    """
    if not _ROLE.fullmatch(role_arn):
        raise ScanError(
            f"--role-arn {clean(role_arn, 80)} is no role:"
            " write it as arn:aws:iam::123456789012:role/name"
        )
    source: Any = session.get_credentials()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=functools.partial(session.create_client, region_name=region),
        source_credentials=source,
        role_arn=role_arn,
        extra_args={"RoleSessionName": _SESSION_NAME},
    )
    assumed = make_session()
    assumed.set_config_variable("profile", session.profile)
    assumed.get_component("credential_provider").providers.insert(0, _AssumedRole(fetcher))
    return assumed


class _AssumedRole(CredentialProvider):
    """Gives a session the credentials of one role."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Any:
        """The credentials, which are fetched when they are needed."""
        return DeferredRefreshableCredentials(
            refresh_using=self._fetcher.fetch_credentials, method=self.METHOD
        )


def choose_regions(session: Session, asked: Iterable[str]) -> tuple[str, ...]:
    """The Regions of a scan, each once: those asked for, else that of environment or profile.

    Raises
    ------
    ScanError
        When there is none, one does not exist, or they are of several partitions.
    """
    regions = tuple(dict.fromkeys(one.strip().lower() for one in asked))
    if not regions:
        try:
            usual = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        except AWS_ERRORS as error:
            raise _translate(error) from error
        if not usual:
            raise _translate(e.NoRegionError())
        regions = (usual,)
    known = {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    }
    for one in regions:
        if one not in known:
            raise ScanError(_explain_unknown_region(one, known))
    if len({known[one] for one in regions}) > 1:
        raise ScanError(
            f"--region {', '.join(regions)}: these Regions are of different partitions,"
            " which no credentials are good for at once"
        )
    return regions


def find_partition(region: str) -> str:
    """The partition of a Region, such as ``aws-cn``; ``aws`` for none."""
    if not region:
        return "aws"
    try:
        return str(botocore.session.get_session().get_partition_for_region(region))
    except e.UnknownRegionError:
        return "aws"


def identify(session: Session, region: str) -> Identity:
    """Ask AWS whose credentials these are: one call that needs no right.

    Raises
    ------
    ScanError
        When there are no credentials, or they are not valid.
    """
    try:
        client: Any = session.create_client("sts", region_name=region, config=_make_config())
        answer = client.get_caller_identity()
        return Identity(
            account=answer["Account"],
            partition=answer["Arn"].split(":")[1],
        )
    except (KeyError, IndexError) as error:
        raise ScanError(f"{region}: what answers there is not AWS") from error
    except AWS_ERRORS as error:
        raise _translate(error, region) from error


def make_clients(session: Session, region: str) -> Callable[[str], Any]:
    """What makes the client of a service, once for each; safe for threads."""
    lock = threading.Lock()
    made: dict[str, Any] = {}

    def make(service: str) -> Any:
        with lock:
            if service not in made:
                create: Any = session.create_client
                made[service] = create(service, region_name=region, config=_make_config())
            return made[service]

    return make


def _make_config() -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_CONNECTIONS,
        user_agent_extra=_USER_AGENT,
    )


def _explain_unknown_region(region: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(region, list(known), n=1, cutoff=_SIMILAR)
    hint = f"did you mean {close[0]}?" if close else "write it as eu-west-1"
    return (
        f"--region {clean(region, 40)} is no Region with Lambda that botocore"
        f" {botocore.__version__} knows: {hint}"
    )


def _translate(error: Exception, region: str = "") -> ScanError:
    """What is wrong with credentials, and what to do."""
    words = str(error)
    if isinstance(error, e.ClientError):
        words = f"{error.operation_name} failed: {get_message(error)}"
        if error.operation_name == "AssumeRole" and is_denied(error):
            words = f"the role of --role-arn cannot be assumed: {get_message(error)}"
    return ScanError(explain_access_error(error, region) or clean(words, 500))
