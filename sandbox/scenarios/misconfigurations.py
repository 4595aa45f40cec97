"""The other causes on AWS's troubleshooting pages: functions that something is wrong with.

::

    with LocalAws(speed=60, auth=True) as aws:
        misconfiguration = make_misconfiguration("permission", aws)
        misconfiguration.deploy()
        misconfiguration.use()  # as its users would: the trouble shows in its own way
        ...
        assert misconfiguration.does_work()  # once it is fixed

Each comes with a look-alike: a function that only seems to have the same trouble.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from sandbox.scenarios.provision import arn, function_arn
from sandbox.scenarios.user_stacks import define_function, define_role, deploy_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs import Construct

    from sandbox.local_aws import LocalAws

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
SIDE_BY_SIDE = 8


class Misconfiguration(ABC):
    """A function with a trouble, and another that only seems to have it."""

    entry: ClassVar[str]
    """The stable name of what is wrong."""

    stack: ClassVar[str]
    """The name of the stack that brings it."""

    function: ClassVar[str]
    look_alike: ClassVar[str]
    trouble: ClassVar[str]
    """What is wrong, for people."""

    look_alike_text: ClassVar[str]
    """Why nothing is wrong with the look-alike."""

    flags: ClassVar[dict[str, str]] = {}
    """What allows the guard to fix it; without any it only names the fix."""

    minutes_before_use: ClassVar[float] = 0.0
    """CloudWatch's minutes until what is measured is of the function as it is."""

    minutes_after_use: ClassVar[float] = 0.0
    """CloudWatch's minutes until the trouble can be told from a delay."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws

    @property
    def look_alikes(self) -> tuple[str, ...]:
        """All functions of it with which nothing is wrong."""
        return (self.look_alike,)

    def deploy(self) -> None:
        """Create both functions and what belongs to them, as a stack of the CDK."""
        deploy_stack(self.aws, self.stack, self.build)

    @abstractmethod
    def build(self, scope: Construct) -> None:
        """Define both functions and what belongs to them."""

    @abstractmethod
    def use(self) -> None:
        """Use both as their users do."""

    @abstractmethod
    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Use the function once more and tell whether it does what it should, in a while."""

    def fix(self) -> None:
        """Do by hand what the guard only names."""
        raise NotImplementedError(f"the guard cures {self.function}, where that is allowed")

    def _invoke(self, name: str, times: int = 1, side_by_side: int = SIDE_BY_SIDE) -> None:
        client = self.aws.client("lambda")
        with ThreadPoolExecutor(side_by_side) as pool:
            list(pool.map(lambda _: client.invoke(FunctionName=name, Payload=b"{}"), range(times)))

    @staticmethod
    def _comes_true(condition: Callable[[], bool], patience_seconds: float) -> bool:
        """Whether something becomes the case within a while."""
        deadline = time.monotonic() + patience_seconds
        while not (is_so := condition()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return is_so


class PermissionMisconfiguration(Misconfiguration):
    """A rule whose target does not admit it."""

    entry = "not_invocable"
    stack = "Billing"
    function = "send-invoice"
    look_alike = "send-receipt"
    trouble = "rule orders-paid ─▶ send-invoice, whose resource policy does not admit the rule"
    look_alike_text = "send-receipt admits every rule of the account by a wildcard"
    flags: ClassVar = {"remedies": "permissions"}

    def build(self, scope: Construct) -> None:
        """Define a rule with both functions as targets; the permission of one was forgotten."""
        functions = [
            define_function(scope, name, code="steady_report")
            for name in (self.function, self.look_alike)
        ]
        functions[1].add_permission(
            "AnyRule",
            principal=iam.ServicePrincipal("events.amazonaws.com"),
            source_arn=arn("events", "rule/*"),
        )
        events.CfnRule(
            scope,
            "OrdersPaid",
            name="orders-paid",
            event_pattern={"source": ["shop.billing"]},
            targets=[
                events.CfnRule.TargetProperty(id=one.node.id, arn=one.function_arn)
                for one in functions
            ],
        )

    def use(self) -> None:
        """Let an order be paid."""
        entry = {"Source": "shop.billing", "DetailType": "OrderPaid", "Detail": "{}"}
        self.aws.client("events").put_events(Entries=[entry])

    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether a paid order invokes the function."""
        before = self.aws.counts().get(self.function, 0)
        self.use()
        return self._comes_true(
            lambda: self.aws.counts().get(self.function, 0) > before, patience_seconds
        )


class LogsMisconfiguration(Misconfiguration):
    """A function whose role may not write logs."""

    entry = "no_logs"
    stack = "Prices"
    function = "import-prices"
    look_alike = "import-never"
    trouble = "import-prices runs, and its role may not write logs"
    look_alike_text = "import-never has no such rights either, but was never invoked"
    flags: ClassVar = {"remedies": "logs"}
    minutes_before_use = 6.0
    minutes_after_use = 16.0

    def build(self, scope: Construct) -> None:
        """Define both with roles of their own, which may do nothing."""
        for name in (self.function, self.look_alike):
            define_function(
                scope,
                name,
                code="steady_report",
                role=define_role(scope, name).without_policy_updates(),
            )

    def use(self) -> None:
        """Import some prices."""
        self._invoke(self.function, 3)

    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether an invocation leaves its lines in the log."""
        before = self._lines()
        self._invoke(self.function)
        return self._comes_true(lambda: self._lines() > before, patience_seconds)

    def _lines(self) -> int:
        logs, group = self.aws.client("logs"), f"/aws/lambda/{self.function}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return 0
        return len(logs.filter_log_events(logGroupName=group)["events"])


class TracesMisconfiguration(Misconfiguration):
    """A function whose code traces, and whose tracing mode does not let it."""

    entry = "no_traces"
    stack = "Checkout"
    function = "check-out"
    look_alike = "check-stock"
    trouble = "check-out has a tracer in its code, and PassThrough as its tracing mode"
    look_alike_text = "check-stock passes traces through by choice: nothing in it traces"
    flags: ClassVar = {"remedies": "traces"}

    def build(self, scope: Construct) -> None:
        """Define both in the mode that passes traces through; the CDK adds the rights to trace."""
        for name, environment in (
            (self.function, {"AWS_XRAY_TRACING_NAME": "checkout"}),
            (self.look_alike, {}),
        ):
            define_function(
                scope,
                name,
                code="steady_report",
                tracing=lambda_.Tracing.PASS_THROUGH,
                environment=environment,
            )

    def use(self) -> None:
        """Check out."""
        for name in (self.function, self.look_alike):
            self._invoke(name, 3)

    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether an invocation leaves a trace."""
        before = self.aws.traces().get(self.function, 0)
        self._invoke(self.function)
        return self._comes_true(
            lambda: self.aws.traces().get(self.function, 0) > before, patience_seconds
        )


class SlowMisconfiguration(Misconfiguration):
    """A function that takes nearly all of its time for want of memory, and so of CPU.

    This machine gives every function a whole processor; so the function's code waits as long as
    its work would take with the share that its memory buys.
    """

    entry = "too_slow"
    stack = "Reports"
    function = "render-report"
    look_alike = "render-archive"
    trouble = "render-report takes 2.5 s of its 3 s, with 128 MB of memory"
    look_alike_text = "render-archive is as slow, and far from its timeout of 30 s"
    flags: ClassVar = {"remedies": "memory", "memory_ceiling_mb": "512"}
    minutes_before_use = 6.0
    minutes_after_use = 1.0

    CALLS = 24
    WELL_SECONDS = 2.0

    def build(self, scope: Construct) -> None:
        """Define both with the least memory."""
        for name, seconds in ((self.function, 3), (self.look_alike, 30)):
            define_function(
                scope, name, code="render_report", timeout_seconds=seconds, memory_size=128
            )

    def use(self) -> None:
        """Render many reports."""
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(
                    lambda name: self._invoke(name, self.CALLS, SIDE_BY_SIDE // 2),
                    (self.function, self.look_alike),
                )
            )

    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether a report takes far less than the timeout."""
        del patience_seconds  # the answer is there with the report
        self._invoke(self.function)  # the first one after an update starts cold
        began = time.monotonic()
        self._invoke(self.function)
        return time.monotonic() - began < self.WELL_SECONDS


class DeniedMisconfiguration(Misconfiguration):
    """A function that another one calls, whose role may not."""

    entry = "not_authorized"
    stack = "Payments"
    function = "charge-card"
    look_alike = "charge-voucher"
    trouble = "place-order calls charge-card, and its role may not invoke it"
    look_alike_text = (
        "place-gift calls charge-voucher with the right to invoke every charge-function"
    )

    CALLER = "place-order"
    LOOK_ALIKE_CALLER = "place-gift"

    @property
    def look_alikes(self) -> tuple[str, ...]:
        """The caller with a wildcard is as right as its callee."""
        return (self.look_alike, self.LOOK_ALIKE_CALLER)

    def build(self, scope: Construct) -> None:
        """Define both, and who calls them."""
        everything = iam.PolicyStatement(
            actions=["lambda:InvokeFunction"], resources=[function_arn("charge-*")]
        )
        for caller, callee, rights in (
            (self.CALLER, self.function, None),
            (self.LOOK_ALIKE_CALLER, self.look_alike, [everything]),
        ):
            called = define_function(scope, callee, code="steady_report")
            define_function(
                scope,
                caller,
                code="call_callee",
                environment={"CALLEE": called.function_name},
                initial_policy=rights,
            )

    def use(self) -> None:
        """Place an order, and a gift."""
        for name in (self.CALLER, self.LOOK_ALIKE_CALLER):
            self._invoke(name)

    def does_work(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether an order charges the card."""
        del patience_seconds  # the answer is there with the order
        answer = self.aws.client("lambda").invoke(FunctionName=self.CALLER, Payload=b"{}")
        return "FunctionError" not in answer

    def fix(self) -> None:
        """Let the caller invoke this one function, as the notice says."""
        statement = {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": function_arn(self.function),
        }
        caller = self.aws.client("lambda").get_function_configuration(FunctionName=self.CALLER)
        self.aws.client("iam").put_role_policy(
            RoleName=caller["Role"].rpartition("/")[2],
            PolicyName=f"invoke-{self.function}",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )


MISCONFIGURATIONS: dict[str, type[Misconfiguration]] = {
    "permission": PermissionMisconfiguration,
    "logs": LogsMisconfiguration,
    "traces": TracesMisconfiguration,
    "slow": SlowMisconfiguration,
    "denied": DeniedMisconfiguration,
}


def make_misconfiguration(kind: str, aws: LocalAws) -> Misconfiguration:
    """One by its kind: ``permission``, ``logs``, ``traces``, ``slow`` or ``denied``."""
    return MISCONFIGURATIONS[kind](aws)
