"""Rules of EventBridge whose invocations fail: which they are, and what they are to invoke."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from functions.aws.diagnosis.metrics import Family
from functions.aws.runtime.errors import AWS_ERRORS, of_reading
from functions.domain.account.inventory import RuleTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_events import EventBridgeClient

    from functions.aws.diagnosis.metrics import MetricQuery
    from functions.domain.account.inventory import Rule

IAM_ACTIONS: Final = frozenset({"events:ListTargetsByRule"})

_DEFAULT_BUS: Final = "default"
# They are there only while they are not zero, and have a dimension for the bus only where that is
# not the default one (EventBridge user guide, *Monitoring Amazon EventBridge*).
_ON_THE_DEFAULT_BUS: Final = Family(
    namespace="AWS/Events", metric="FailedInvocations", dimensions=("RuleName",)
)
_ON_ANOTHER_BUS: Final = replace(_ON_THE_DEFAULT_BUS, dimensions=("EventBusName", "RuleName"))
FAILURES: Final = (_ON_THE_DEFAULT_BUS, _ON_ANOTHER_BUS)


def failures_of(rule: Rule) -> MetricQuery:
    """How often EventBridge could not invoke a target of a rule."""
    bus = _bus(rule)
    if bus == _DEFAULT_BUS:
        return _ON_THE_DEFAULT_BUS.one((rule.name,))
    return _ON_ANOTHER_BUS.one((bus, rule.name))


class RuleTargets:
    """ListTargetsByRule, for a rule of which a reading of the account left the targets out.

    Parameters
    ----------
    wait
        Returns when the next call may go out.
    """

    def __init__(self, client: EventBridgeClient, wait: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._wait = wait

    def of(self, rule: Rule) -> tuple[RuleTarget, ...]:
        """The targets of a rule.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        request: Any = {"Rule": rule.name, "EventBusName": _bus(rule)}
        found: list[RuleTarget] = []
        while True:
            self._wait()
            try:
                page = self._client.list_targets_by_rule(**request)
            except AWS_ERRORS as error:
                raise of_reading(error, f"rule {rule.name}") from error
            found.extend(
                RuleTarget(
                    arn=one.get("Arn", ""),
                    id=one.get("Id", ""),
                    dead_letter_arn=one.get("DeadLetterConfig", {}).get("Arn", ""),
                    role_arn=one.get("RoleArn", ""),
                    input_is_constant="Input" in one,
                )
                for one in page.get("Targets", ())
            )
            if not page.get("NextToken"):
                return tuple(found)
            request["NextToken"] = page["NextToken"]


def _bus(rule: Rule) -> str:
    """The name in ``arn:aws:events:<region>:<account>:event-bus/<name>``."""
    return rule.bus_arn.rpartition("/")[2] or _DEFAULT_BUS
