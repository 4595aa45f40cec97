"""The local AWS that tests and the demo use: starts it, talks to it, stops it."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import boto3
from botocore.config import Config

from sandbox.metrics.publication import COMPLETE_SECONDS
from sandbox.settings import ACCOUNT_ID, CONTROL_PREFIX, HOST, REGION
from sandbox.weather.lateness import IAM_SECONDS, TRAIL_LONG_SECONDS
from sandbox.weather.seeded import Weather, WeatherKind, new_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from email.message import EmailMessage
    from types import TracebackType

_T = TypeVar("_T")

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.05
# Between two looks at what is waited for: each costs the emulator some calls.
LOOK_SECONDS = 0.2
CEILING_SECONDS = 600.0
"""Real seconds that a slow machine is given beyond what an idle one would take."""

PROJECT = Path(__file__).resolve().parent.parent


class SandboxNotStartedError(RuntimeError):
    """When the local AWS did not come up."""


class SandboxTimeoutError(TimeoutError):
    """When something did not happen in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that SNS has sent."""

    recipient: str
    sender: str
    subject: str
    body: str
    path: Path


class SandboxClock:
    """Reads the sandbox's virtual time. It is asked each time: its minutes differ in length."""

    def __init__(self, read: Callable[[], dict[str, float]]) -> None:
        self._read = read

    def timestamp(self) -> float:
        """The virtual time in seconds since the epoch."""
        return self._read()["now"]

    def now(self) -> datetime:
        """The virtual time."""
        return datetime.fromtimestamp(self.timestamp(), UTC)


class LocalAws:
    """An AWS account on this machine, for the time of a ``with`` block.

    Examples
    --------
    >>> with LocalAws(speed=30) as aws:  # doctest: +SKIP
    ...     aws.client("lambda").list_functions()

    It listens on the loopback interface only, on ports that were free. Everything it starts is in
    one process group, which is ended when the block is left in whatever way.

    Parameters
    ----------
    weather
        ``calm`` (everything at once, once and together) or ``aws``, see `sandbox.weather.seeded`.
    seed
        What AWS's weather is drawn from; one is drawn, and kept in ``weather.seed``, where none is
        given. It is printed to stderr, and stands in the log.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        auth: bool = False,
        account_limit: int = 1000,
        worker_cap: int = 10,
        unreserved_minimum: int | None = None,
        rate_share: float = 1.0,
        weather: str = WeatherKind.CALM,
        seed: int | None = None,
        log_path: Path | None = None,
    ) -> None:
        self.weather = Weather(kind=WeatherKind(weather), seed=new_seed() if seed is None else seed)
        self._options = [
            f"--speed={speed}",
            f"--account-limit={account_limit}",
            f"--worker-cap={worker_cap}",
            f"--rate-share={rate_share}",
            f"--weather={self.weather.kind}",
            f"--weather-seed={self.weather.seed}",
            *(["--auth"] if auth else []),
            *([] if unreserved_minimum is None else [f"--unreserved-minimum={unreserved_minimum}"]),
        ]
        self.auth = auth
        self.speed = speed
        self.directory = Path()
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        # One session: each reads the endpoints of all services anew.
        self._session = boto3.session.Session(
            aws_access_key_id=ACCOUNT_ID,
            aws_secret_access_key="local",  # noqa: S106 - the emulator takes any
            region_name=REGION,
        )
        self._lock = threading.Lock()
        self._port = 0
        self._clock: SandboxClock | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The address of the local AWS."""
        return f"http://{HOST}:{self._port}"

    @property
    def log_path(self) -> Path:
        """Where the local AWS writes what it has to say."""
        return self._log_path or self.directory / "sandbox.log"

    @property
    def clock(self) -> SandboxClock:
        """The virtual time."""
        if self._clock is None:
            self._clock = SandboxClock(lambda: self.control("GET", "clock"))
        return self._clock

    def _start(self) -> None:
        if not self.weather.is_calm:
            print(f"sandbox: AWS's weather, seed {self.weather.seed}", file=sys.stderr)
        self.directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._port, smtp_port = _free_ports(2)
        command = [
            sys.executable,
            "-m",
            "sandbox.launcher",
            f"--port={self._port}",
            f"--smtp-port={smtp_port}",
            f"--directory={self.directory}",
            f"--parent={os.getpid()}",
            *self._options,
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment["TMPDIR"] = str(self.directory)
        environment["PYTHONPATH"] = str(PROJECT)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                self.control("GET", "clock")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self.log_path.read_text(errors="replace")[-4000:]
                    raise SandboxNotStartedError(
                        f"the local AWS did not start; it said:\n{said}"
                    ) from None
                time.sleep(POLL_SECONDS)
            else:
                return

    def stop(self) -> None:
        """End the local AWS and every process it has started, and remove its files."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_SECONDS)
            # The group's number is the launcher's process id, which is still ours: it is freed
            # only when no process of the group is left.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def environment(self) -> dict[str, str]:
        """What the CDK command line and boto3 need in their environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DEFAULT_ACCOUNT": ACCOUNT_ID,
            "CDK_DEFAULT_REGION": REGION,
            "CDK_DISABLE_VERSION_CHECK": "1",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            "CI": "1",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS, with the account's own rights."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        max_pool_connections=20,
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._clients[service]

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Call one of the sandbox's own endpoints."""
        request = urllib.request.Request(  # noqa: S310 - always our own http address
            f"{self.endpoint}{CONTROL_PREFIX}{name}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{name}: {error.read().decode()}") from error

    def reset(self) -> None:
        """Forget everything that happened in this account."""
        self.control("POST", "reset")

    def state(self) -> dict[str, Any]:
        """Rates, running invocations, counts and alarms at this moment."""
        answer: dict[str, Any] = self.control("GET", "state")
        return answer

    def rates(self, seconds: int = 60) -> dict[str, list[int]]:
        """Invocations of each function in each of the last real seconds, the oldest first."""
        answer: dict[str, list[int]] = self.control("GET", f"rates?seconds={seconds}")
        return answer

    def counts(self) -> dict[str, int]:
        """How often each function was invoked since the last reset."""
        answer: dict[str, int] = self.state()["counts"]
        return answer

    def alarms(self) -> list[dict[str, Any]]:
        """All alarms with state and reason."""
        answer: list[dict[str, Any]] = self.control("GET", "alarms")
        return answer

    def seed(self, series: Sequence[dict[str, Any]], **more: Any) -> int:
        """Give metrics history, as ``sandbox.scenarios.seeding`` describes it."""
        answer: int = self.control("POST", "seed", {"series": list(series), **more})["series"]
        return answer

    def emit(self, metric: str, function: str, value: float = 1.0) -> None:
        """Record a metric of a function as AWS/Lambda would."""
        self.control("POST", "emit", {"metric": metric, "function": function, "value": value})

    def traces(self) -> dict[str, int]:
        """How many traces of each function have reached X-Ray."""
        answer: dict[str, int] = self.control("GET", "traces")
        return answer

    def was_deployed(self, functions: Sequence[str], days_ago: float) -> None:
        """Let functions have been deployed last so many days ago."""
        self.control("POST", "deployed", {"functions": list(functions), "days_ago": days_ago})

    def memory_used(self, function: str, megabytes: int) -> None:
        """Let a function report so much as its memory used."""
        self.control("POST", "memory", {"function": function, "megabytes": megabytes})

    def fire(self, rule: str) -> None:
        """Let a rule that a clock fires, or a schedule of EventBridge Scheduler, be due at once.

        Raises
        ------
        ValueError
            When there is none of that name.
        """
        if not self.control("POST", "fire", {"rule": rule})["rules"]:
            raise ValueError(f"there is no rule and no schedule {rule}")

    def publish(
        self, source: str, detail_type: str, detail: Any, resources: Sequence[str] = ()
    ) -> None:
        """Publish an event on the default bus as an AWS service."""
        event = {
            "source": source,
            "detail-type": detail_type,
            "detail": detail,
            "resources": list(resources),
        }
        self.control("POST", "events", event)

    def fail(self, action: str, code: str, *, times: int = 1, **more: Any) -> None:
        """Let the next calls of an API action fail, see ``sandbox.weather.faults.Fault``."""
        self.control("POST", "faults", {"action": action, "code": code, "times": times, **more})

    def heal(self) -> None:
        """Let no call fail any more."""
        self.control("DELETE", "faults")

    def mails(self) -> list[Mail]:
        """The mails received so far, the oldest first."""
        paths = sorted((self.directory / "mails").glob("*.eml"))
        return [_mail(path) for path in paths]

    def wait_for_mail(self, text: str = "", timeout_seconds: float = 30.0) -> Mail:
        """The first mail that has a text in its subject or body."""

        def arrived() -> Mail | None:
            found = (m for m in self.mails() if text in m.subject or text in m.body)
            return next(found, None)

        return self.wait_until(arrived, f"a mail with {text!r}", timeout_seconds)

    def wait_until(
        self, condition: Callable[[], _T | None], what: str, timeout_seconds: float = 30.0
    ) -> _T:
        """Wait until a condition yields something true, and return that.

        The time is up when so many seconds are over, and the virtual minutes too that a machine
        with nothing else to do makes in them.

        Raises
        ------
        SandboxTimeoutError
            When it yields nothing true in that time, or within `CEILING_SECONDS` more.
        """
        started, began = time.monotonic(), self.clock.timestamp()
        while True:
            real = time.monotonic() - started
            is_over = real > timeout_seconds and (
                real > timeout_seconds + CEILING_SECONDS
                or self.clock.timestamp() - began > timeout_seconds * self.speed
            )
            # Asked after the time: what came in the last moment has come in time.
            if found := condition():
                return found
            if is_over:
                raise SandboxTimeoutError(f"{what}: not within {real:.0f} s")
            time.sleep(LOOK_SECONDS)

    def wait_until_within(
        self, minutes: float, condition: Callable[[], _T | None], what: str
    ) -> _T:
        """Wait until a condition yields something true, for some virtual minutes at most.

        A minute ends only when what began in it is done, so on a busy machine the wait is longer
        and allows for no more and no fewer alarm evaluations and scheduled invocations.

        Raises
        ------
        SandboxTimeoutError
            When it yields nothing true in that time, see `wait_until`.
        """
        return self.wait_until(condition, what, 60 * minutes / self.speed)

    @property
    def publication_minutes(self) -> int:
        """Virtual minutes after which everything that was measured is published in full."""
        if self.weather.is_calm:
            return 0
        # The minute that is running, and then until the last metric of it is complete.
        return 1 + math.ceil(COMPLETE_SECONDS / 60)

    @property
    def trail_minutes(self) -> int:
        """Virtual minutes after which CloudTrail has reported every change."""
        return 0 if self.weather.is_calm else math.ceil(TRAIL_LONG_SECONDS / 60)

    @contextlib.contextmanager
    def prompt_rights(self) -> Iterator[None]:
        """Let policies that are changed meanwhile count at once."""
        self.control("POST", "rights", {"late": False})
        try:
            yield
        finally:
            self.control("POST", "rights", {"late": True})

    def let_iam_settle(self) -> None:
        """Wait until rights that were just written count, where IAM is enforced and late."""
        if self.auth and not self.weather.is_calm:
            self.wait_minutes(IAM_SECONDS[1] / 60)

    def wait_minutes(self, minutes: float) -> None:
        """Wait for some virtual minutes, and so for what happens in them."""
        end = self.clock.timestamp() + 60 * minutes
        what = f"{minutes:g} virtual minutes to pass"
        self.wait_until_within(minutes + 1, lambda: self.clock.timestamp() >= end, what)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _mail(path: Path) -> Mail:
    message: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    return Mail(
        recipient=str(message["X-Envelope-To"]),
        sender=str(message["From"]),
        # A subject whose first word does not fit into the line of the header's name is folded
        # before it; the parser leaves that white space, which is none of the subject's.
        subject=str(message["Subject"]).strip(),
        body=str(body.get_content()).replace("\r\n", "\n") if body is not None else "",
        path=path,
    )
