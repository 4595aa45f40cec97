"""Rules of EventBridge whose invocations fail: which they are, and what they are to invoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.errors import AWS_ERRORS, translate_reading_error
from functions.domain.account.inventory import RuleTarget
from functions.domain.diagnosis.collection.failure_metrics import find_bus_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_events import EventBridgeClient

    from functions.domain.account.inventory import Rule

IAM_ACTIONS: Final = frozenset({"events:ListTargetsByRule"})


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
        request: Any = {"Rule": rule.name, "EventBusName": find_bus_name(rule)}
        found: list[RuleTarget] = []
        while True:
            self._wait()
            try:
                page = self._client.list_targets_by_rule(**request)
            except AWS_ERRORS as error:
                raise translate_reading_error(error, f"rule {rule.name}") from error
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
