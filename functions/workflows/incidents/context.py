"""What containing and restoring reach for: the ports, and where this guard is deployed."""

from dataclasses import dataclass, field, replace

from functions.domain.account.names import parse_edge_replica
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.errors import LoopbreakerError
from functions.domain.graph.loop_lookup import EmptyLookup, LoopLookup
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.ports import Ledger
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.ports import Functions, GuardContext, WayBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(GuardContext):
    """Ports and deployment, handed to everything that acts."""

    functions: Functions
    ledger: Ledger
    way_back: WayBack
    loops: LoopLookup = field(default_factory=EmptyLookup)

    def publish_unrecorded(self, notice: Notice, key: str) -> None:
        """Send a notice that no record holds. Raises `NoticeUndeliveredError`.

        Parameters
        ----------
        key
            What distinguishes it from others of its moment.
        """
        self.events.keep_unrecorded(notice, key)
        self.publisher.publish(notice)

    def look_around(self, incident: Incident) -> tuple[Incident, NoticeContext]:
        """The incident and its context with what is known of the function's triggers, for a notice.

        Asked for after the function was stopped; what AWS does not answer now is left unknown,
        because a notice that says less is better than one that is late.
        """
        if parse_edge_replica(incident.function) is not None:
            # CloudFront invokes it and waits; Lambda's control plane knows it in no Region but its
            # function's own.
            pushed = Trigger(kind=TriggerKind.SYNC, service="CloudFront", source_arn="")
            return incident, NoticeContext(
                deployment=self.describe_place(), triggers=(pushed,), is_async_target_known=True
            )
        target = self._read_async_target(incident)
        incident = replace(incident, async_target_arn=target or "")
        context = NoticeContext(
            deployment=self.describe_place(),
            triggers=self._read_triggers(incident),
            is_async_target_known=target is not None,
            loop=self.loops.of(incident.function),
        )
        return incident, context

    def _read_triggers(self, incident: Incident) -> tuple[Trigger, ...] | None:
        known = incident.snapshot.mappings if incident.snapshot else None
        try:
            if known is None:
                known = self.functions.mappings(incident.function)
            return self.functions.triggers(incident.function, known)
        except LoopbreakerError:
            return None

    def _read_async_target(self, incident: Incident) -> str | None:
        if incident.async_target_arn:
            return incident.async_target_arn
        try:
            return self.functions.async_target(incident.function)
        except LoopbreakerError:
            return None
