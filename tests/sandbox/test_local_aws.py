"""The sandbox starts, stops and cleans up after itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.local_aws import LocalAws
from sandbox.patches import hooks
from sandbox.scenarios.catalogue import LOOPS, BurstFunction, SteadyFunction, make_loop
from sandbox.scenarios.provision import create_function

if TYPE_CHECKING:
    from types import ModuleType

PROJECT = Path(__file__).resolve().parents[2]


def _group(leader: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _leader(aws: LocalAws) -> int:
    assert aws._process is not None
    return aws._process.pid


def test_nothing_is_left_when_the_block_is_left() -> None:
    """Workers, ports and files are gone, also after an exception."""
    aws = LocalAws(speed=60)
    with pytest.raises(KeyboardInterrupt), aws:  # noqa: PT012 - the block is what is tested
        create_function(aws, "steady-report")
        aws.client("lambda").invoke(FunctionName="steady-report")
        leader, directory, endpoint = _leader(aws), aws.directory, aws.endpoint
        assert len(_group(leader)) >= 2
        raise KeyboardInterrupt

    assert _group(leader) == []
    assert not directory.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) != 0


def test_the_sandbox_ends_with_the_process_that_started_it() -> None:
    """Even a killed parent leaves nothing running."""
    program = (
        "import sys, time\n"
        "from sandbox.local_aws import LocalAws\n"
        "with LocalAws(speed=60) as aws:\n"
        "    print(aws._process.pid, aws.directory, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(  # noqa: S603 - this interpreter, a fixed program
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        number, directory = parent.stdout.readline().split()
        leader = int(number)
        assert _group(leader)
        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while _group(leader) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _group(leader) == []
    assert not Path(directory).exists()


def test_it_listens_on_loopback_only(aws: LocalAws) -> None:
    """Every listening socket of the sandbox is bound to 127.0.0.1."""
    inodes = {
        str(link.readlink())[8:-1]
        for process in _group(_leader(aws))
        for link in Path(f"/proc/{process}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1].split(":")[0])

    assert listening
    assert set(listening) == {"0100007F"}


def test_the_environment_leads_the_tools_to_the_sandbox(aws: LocalAws) -> None:
    """A program that uses boto3 with this environment sees the sandbox's account."""
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}

    done = subprocess.run(  # noqa: S603 - this interpreter, a fixed program
        [sys.executable, "-c", program],
        env=kept | aws.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "123456789012"


def test_a_small_account_answers_its_small_limit() -> None:
    """On an account of ten no reservation is possible, in AWS's words."""
    with LocalAws(speed=60, account_limit=10) as aws:
        create_function(aws, "steady-report")
        lambda_ = aws.client("lambda")
        limit = lambda_.get_account_settings()["AccountLimit"]

        with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match=r"\[10\]"):
            lambda_.put_function_concurrency(
                FunctionName="steady-report", ReservedConcurrentExecutions=1
            )

        assert limit["ConcurrentExecutions"] == 10


def _module() -> ModuleType:
    module = type(sys)("emulator")

    def known(one: int, two: int) -> int:
        return one + two

    module.known = known  # type: ignore[attr-defined]
    return module


def test_a_patch_replaces_what_it_expects() -> None:
    """The replacement is in place and the original comes back to be called."""
    module = _module()

    original = hooks.replace(module, "known", lambda one, two: one * two, ("one", "two"))

    assert (module.known(3, 4), original(3, 4)) == (12, 7)


@pytest.mark.parametrize(("name", "parameters"), [("gone", ()), ("known", ("one",))])
def test_a_patch_that_no_longer_fits_is_refused(name: str, parameters: tuple[str, ...]) -> None:
    """A function that is gone or has other parameters stops the sandbox from starting."""
    with pytest.raises(hooks.PatchDoesNotFitError):
        hooks.replace(_module(), name, lambda: None, parameters)


def test_a_variable_of_another_kind_is_refused() -> None:
    """A variable is replaced only when it is what the patch expects."""
    module = _module()

    with pytest.raises(hooks.PatchDoesNotFitError):
        hooks.substitute(module, "known", 1, int)


def _stop(aws: LocalAws, loop: Any) -> None:
    for name in loop.functions:
        aws.client("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=0
        )


@pytest.mark.e2e
@pytest.mark.parametrize("kind", sorted(LOOPS))
def test_loops_run_away_and_can_be_stopped_and_cured(aws: LocalAws, kind: str) -> None:
    """Each loop runs on by itself, stops at a reservation of zero, and works after its cure."""
    loop = make_loop(kind, aws)
    loop.deploy()
    before = loop.settings()

    loop.seed()
    aws.wait_until(lambda: aws.counts().get(loop.functions[-1], 0) >= 10, "ten rounds", 30)
    _stop(aws, loop)
    time.sleep(1.5)
    at_rest = aws.counts()
    time.sleep(1)
    assert aws.counts() == at_rest

    loop.fix()
    for name in loop.functions:
        aws.client("lambda").delete_function_concurrency(FunctionName=name)
    loop.rest()
    outcome = loop.poke()

    assert outcome, outcome
    assert loop.settings() == before


@pytest.mark.e2e
def test_healthy_functions_work_under_their_load(aws: LocalAws) -> None:
    """A steady function and a burst are handled without a refusal."""
    steady, burst = SteadyFunction(aws, calls_per_second=5), BurstFunction(aws, messages=30)
    steady.deploy()
    burst.deploy()

    with steady, burst:
        aws.wait_until(lambda: aws.counts().get("nightly-import", 0) >= 30, "the burst", 20)
        aws.wait_until(lambda: aws.counts().get("steady-report", 0) >= 10, "the steady calls", 20)

    assert (steady.refusals, steady.starved, burst.refusals) == (0, 0, 0)
    assert aws.counts()["nightly-import"] == 30


_CONTAIN = """
import boto3
client = boto3.client("lambda")
def handler(event, context):
    try:
        client.put_function_concurrency(FunctionName=event, ReservedConcurrentExecutions=0)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "contained"
"""


@pytest.mark.e2e
def test_iam_denies_by_tag_where_it_is_enforced() -> None:
    """With IAM a role that may not touch exempt functions cannot, and loops still work."""
    with LocalAws(speed=60, auth=True) as aws:
        iam, lambda_ = aws.client("iam"), aws.client("lambda")
        create_function(aws, "steady-report")
        create_function(aws, "nightly-import", tags={"loopbreaker:exempt": "true"})
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        iam.create_role(RoleName="guard", AssumeRolePolicyDocument=json.dumps(trust))
        action = {"Action": "lambda:PutFunctionConcurrency", "Resource": "*"}
        tag = {"StringEquals": {"aws:ResourceTag/loopbreaker:exempt": "true"}}
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", **action},
                {"Effect": "Deny", **action, "Condition": tag},
            ],
        }
        iam.put_role_policy(
            RoleName="guard", PolicyName="contain", PolicyDocument=json.dumps(policy)
        )
        from sandbox.scenarios.provision import package_code  # noqa: PLC0415 - only this test needs it

        for name, role in (("guard", "guard"), ("stranger", "steady-report-role")):
            lambda_.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Role=f"arn:aws:iam::123456789012:role/{role}",
                Handler="index.handler",
                Code={"ZipFile": package_code(_CONTAIN)},
                Timeout=10,
            )

        def ask(who: str, target: str) -> Any:
            answer = lambda_.invoke(FunctionName=who, Payload=json.dumps(target).encode())
            return json.load(answer["Payload"])

        assert ask("guard", "steady-report") == "contained"
        assert ask("guard", "nightly-import") == "AccessDeniedException"
        assert ask("stranger", "steady-report") == "AccessDeniedException"

        loop = make_loop("dynamodb", aws)
        loop.deploy()
        loop.seed()
        aws.wait_until(lambda: aws.counts().get("enrich-order", 0) >= 5, "five rounds", 20)
