"""Deploys the real stack the quick way: synthesized in this process, created by one API call."""

from __future__ import annotations

import io
import json
import secrets
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App

from sandbox.settings import ACCOUNT_ID, REGION
from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from stacks.names import STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from sandbox.local_aws import LocalAws
    from tests.e2e.earlier import Earlier

ROOT = Path(__file__).resolve().parents[2]
CDK_CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT_ID}-{REGION}"
POLL_SECONDS = 0.5
TIMEOUT_SECONDS = 180.0
"""Without any stack event: how long an operation takes depends on the machine."""

ADDRESS = "on-call@example.com"

# What suits the modest rates of this machine: a CloudWatch minute is short and counts little. The
# scenarios bring the signals themselves, so nothing else is to look at the functions.
FLAGS = {
    "email": ADDRESS,
    "response": "throttle",
    "floor_per_minute": "10",
    "account_alarm_per_minute": "100000",
    "sweep_minutes": "0",
    "blast_radius": "50",
}


class DeploymentFailedError(Exception):
    """When CloudFormation says that a stack operation failed; its events are the text."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a synthesis wrote. The assets are those that were not known before."""

    template: str
    assets: Mapping[str, bytes]

    @classmethod
    def of(cls, directory: Path, known: Container[str] = (), **flags: str) -> Assembly:
        """Synthesize the stack with context flags as `app.py` does."""
        app = App(outdir=str(directory), context={**CDK_CONTEXT, **flags})
        config = Config.from_context(app.node.get_all_context())
        nonce = secrets.token_hex(8) if config.rollback or config.diagnose else ""
        LoopbreakerStack(app, STACK_NAME, config=config, nonce=nonce)
        app.synth()
        return cls.read(directory, known)

    @classmethod
    def read(
        cls, directory: Path, known: Container[str] = (), stack_name: str = STACK_NAME
    ) -> Assembly:
        """Read what a synthesis wrote into a directory."""
        manifest = json.loads((directory / f"{stack_name}.assets.json").read_text())
        assets = {}
        for asset in manifest["files"].values():
            path = directory / asset["source"]["path"]
            (destination,) = asset["destinations"].values()
            if destination["objectKey"] in known:  # the name is a hash of what is in it
                continue
            is_zip = asset["source"]["packaging"] == "zip"
            assets[destination["objectKey"]] = _zipped(path) if is_zip else path.read_bytes()
        return cls((directory / f"{stack_name}.template.json").read_text(), assets)


def _zipped(directory: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(directory))
    return archive.getvalue()


class Deployment:
    """The stack in one local account: deployed, updated and deleted as the CDK command line does.

    Parameters
    ----------
    directory
        Where syntheses are written.
    stack_name
        Name of the CloudFormation stack.
    """

    def __init__(self, aws: LocalAws, directory: Path, stack_name: str = STACK_NAME) -> None:
        self.aws = aws
        self._stack_name = stack_name
        self._directory = directory
        self._count = 0
        self._uploaded: set[str] = set()
        self._resources: list[dict[str, Any]] = []

    def deploy(self, **flags: str) -> dict[str, str]:
        """Create or update the stack with the flags of the tests and these; its outputs.

        Raises
        ------
        DeploymentFailedError
            When CloudFormation rolls it back.
        """
        assembly = self.synthesize(**flags)
        self._upload(assembly)
        return self.apply(assembly.template)

    def deploy_assembly(self, directory: Path) -> dict[str, str]:
        """Create or update the stack with what a synthesis wrote; its outputs.

        Raises
        ------
        DeploymentFailedError
            When CloudFormation rolls it back.
        """
        assembly = Assembly.read(directory, self._uploaded, self._stack_name)
        self._upload(assembly)
        return self.apply(assembly.template)

    def synthesize(self, **flags: str) -> Assembly:
        """Synthesize the stack with the flags of the tests and these."""
        return Assembly.of(self._next_directory(), self._uploaded, **{**FLAGS, **flags})

    def deploy_earlier(self, earlier: Earlier, **flags: str) -> dict[str, str]:
        """Create or update the stack with the code of an earlier version; its outputs.

        Raises
        ------
        DeploymentFailedError
            When CloudFormation rolls it back.
        """
        directory = self._next_directory()
        earlier.synthesize(directory, {**CDK_CONTEXT, **FLAGS, **flags})
        assembly = Assembly.read(directory, self._uploaded)
        self._upload(assembly)
        return self.apply(assembly.template)

    def _next_directory(self) -> Path:
        self._count += 1
        return self._directory / f"cdk-{self._count}"

    def apply(self, template: str) -> dict[str, str]:
        """Create or update the stack with a template; its outputs."""
        cloudformation = self.aws.client("cloudformation")
        self._resources = []
        request = {
            "StackName": self._stack_name,
            "TemplateURL": self._put_template(template),
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        }
        if self._status() is None:
            cloudformation.create_stack(**request)
            self._finished("CREATE_COMPLETE")
        else:
            cloudformation.update_stack(**request)
            self._finished("UPDATE_COMPLETE")
        (stack,) = cloudformation.describe_stacks(StackName=self._stack_name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def delete(self) -> None:
        """Delete the stack."""
        self.aws.client("cloudformation").delete_stack(StackName=self._stack_name)
        self._finished("DELETE_COMPLETE")

    def resource(self, resource_type: str, logical_prefix: str) -> str:
        """The physical id of the resource of a type whose logical id begins like this."""
        if not self._resources:
            described = self.aws.client("cloudformation").describe_stack_resources(
                StackName=self._stack_name
            )
            self._resources = described["StackResources"]
        (found,) = (
            one["PhysicalResourceId"]
            for one in self._resources
            if one["ResourceType"] == resource_type
            and one["LogicalResourceId"].startswith(logical_prefix)
        )
        return str(found)

    def _put_template(self, template: str) -> str:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key="template.json", Body=template.encode())
        return f"{self.aws.endpoint}/{BUCKET}/template.json"

    def _upload(self, assembly: Assembly) -> None:
        s3, ssm = self.aws.client("s3"), self.aws.client("ssm")
        s3.create_bucket(Bucket=BUCKET)
        ssm.put_parameter(
            Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True
        )
        for key, body in assembly.assets.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            self._uploaded.add(key)

    def _status(self) -> str | None:
        stacks = self.aws.client("cloudformation").list_stacks()["StackSummaries"]
        known = [one["StackStatus"] for one in stacks if one["StackName"] == self._stack_name]
        return next((one for one in known if one != "DELETE_COMPLETE"), None)

    def _finished(self, wanted: str) -> None:
        events, since = -1, time.monotonic()
        while (status := self._status() or "DELETE_COMPLETE").endswith("_IN_PROGRESS"):
            if (happened := self._event_count()) != events:
                events, since = happened, time.monotonic()
            if time.monotonic() - since > TIMEOUT_SECONDS:
                raise DeploymentFailedError(
                    f"still {status}, with no stack event for {TIMEOUT_SECONDS:g} s"
                )
            time.sleep(POLL_SECONDS)
        if status != wanted:
            raise DeploymentFailedError(f"{status}\n{self._failures()}")

    def _event_count(self) -> int:
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self._stack_name)
        return len(events["StackEvents"])

    def _failures(self) -> str:
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self._stack_name)
        return "\n".join(
            f"{one['LogicalResourceId']} {one['ResourceStatus']}: {one['ResourceStatusReason']}"
            for one in events["StackEvents"]
            if one.get("ResourceStatusReason")
        )
