"""What leads on from a resource by itself, and who hears of calls of AWS services."""

from dataclasses import dataclass, replace

from functions.domain.graph.model import Certainty, EdgeReason, EdgeSpec, Means, Node, weakest
from functions.domain.graph.payloads import ANYTHING, Announced, Called, Payload, Stored, is_created
from functions.domain.graph.triggers.filters import OPEN, Filter, FilterResult, passes


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerEdge:
    """Events go from `source` to `target` by themselves.

    Attributes
    ----------
    id, label
        As of an edge.
    arrives
        What lies in the target afterwards; ``None`` where it is the event as it was.
    is_only_on_failure
        Whether only what fails goes this way.
    """

    source: Node
    target: Node
    means: Means
    id: str
    label: str
    event_filter: Filter = OPEN
    arrives: Payload | None = ANYTHING
    is_enabled: bool = True
    is_only_on_failure: bool = False

    def passes(self, payload: Payload) -> FilterResult | None:
        """Whether a payload goes this way; ``None`` if the edge has nothing to do with it."""
        found = passes(self.event_filter, payload)
        if found is None or (self.means is Means.REPLICATION and not is_created(payload)):
            return None
        if found.certainty is Certainty.RULED_OUT:
            return found
        if not self.is_enabled:
            return FilterResult(Certainty.RULED_OUT, EdgeReason.DISABLED)
        if self.is_only_on_failure:
            return FilterResult(
                weakest(found.certainty, Certainty.POSSIBLE), EdgeReason.ONLY_ON_FAILURE
            )
        return found

    def describe(self, result: FilterResult) -> EdgeSpec:
        """The edge of a payload, by the answer of `passes`."""
        return EdgeSpec(
            means=self.means,
            certainty=result.certainty,
            reason=result.reason,
            id=self.id,
            label=self.label,
            detail=result.detail,
        )

    def after(self, payload: Payload) -> Payload:
        """What lies in the target then."""
        if self.means is Means.EVENTBRIDGE_CONFIGURATION and isinstance(payload, Stored):
            return Announced(payload)
        if self.means is Means.REPLICATION and isinstance(payload, Stored):
            return replace(payload, bucket=self.target.name, action="s3:ReplicateObject")
        if self.arrives is not None:
            return self.arrives
        return replace(payload, rule="") if isinstance(payload, Called) else payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody who hears of calls of an AWS service's API: who may call it makes events.

    Attributes
    ----------
    service
        Prefix of the IAM actions, such as ``ec2``; empty for every service.
    actions
        IAM actions that are listened for; empty for everything that changes something.
    """

    node: Node
    payload: Called
    service: str
    actions: tuple[str, ...] = ()
