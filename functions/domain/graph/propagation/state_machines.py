"""What state machines do, with the roles that they act with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.domain.account.inventory import Role
from functions.domain.account.state_machines import MachineReading, Task, read_machine
from functions.domain.graph.model import Certainty, Doubt, EdgeReason, EdgeSpec, Means, Node
from functions.domain.graph.nodes import node_of
from functions.domain.graph.paths.limits import Allowance, Limits
from functions.domain.graph.payloads import ANYTHING, is_removal
from functions.domain.graph.propagation.builder import Builder
from functions.domain.graph.propagation.decisions import Decisions, explain_refusal
from functions.domain.graph.propagation.index import AccountIndex
from functions.domain.graph.writes.permission import RolePermissions, WritePermission
from functions.domain.iam.access import Access, Answer, Identity

if TYPE_CHECKING:
    from functions.domain.graph.payloads import Payload

_ASKING: Final = 20  # steps, as measured, of what one state does
_CHARACTERS: Final = 8  # of a definition, that one step reads
_UNREAD: Final = MachineReading(is_readable=False)
_NOT_KNOWN: Final = Identity(is_complete=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A state machine as it was read; `role` is ``None`` where it could not be."""

    reading: MachineReading
    role: Role | None
    role_arn: str


class StateMachines:
    """The state machines of an account, and what each does."""

    __slots__ = ("_builder", "_decisions", "_index", "machines")

    def __init__(
        self, index: AccountIndex, builder: Builder, decisions: Decisions, limits: Limits
    ) -> None:
        self._index, self._builder, self._decisions = index, builder, decisions
        self.machines = _read_machines(index, Allowance(limits.definitions))

    def run(self, number: int, node: Node) -> None:
        """Follow what a state machine does, if its role may; nothing for another node."""
        machine = self.machines.get(node)
        if machine is None:
            return
        reading, role, role_arn = machine.reading, machine.role, machine.role_arn
        build = self._builder
        profile = self._index.permissions.profile(role) if role else None
        identity = profile.identity if profile else _NOT_KNOWN
        if not reading.is_readable:
            doubt = Doubt.BUDGET if reading is _UNREAD else Doubt.RESOURCE
            build.doubt((number,), doubt)
        for task in _select_distinct(reading.tasks):
            if not build.may_go_on(number, _ASKING):
                break
            build.edges.spend(1)
            self._perform(number, task, identity, role_arn, is_known=role is not None)
        if role_arn in self._decisions.unasked or (profile and profile.is_unread):
            build.doubt((number,), Doubt.BUDGET)
        self._call(number, reading.urls)
        if reading.open_actions and profile is not None:
            self._grant_open(number, reading, profile, role_arn)
        if reading.open_actions and (profile is None or reading.is_borrowing):
            build.doubt((number,), Doubt.ROLE)

    def _grant_open(
        self, number: int, reading: MachineReading, profile: RolePermissions, role_arn: str
    ) -> None:
        """What a task may do that names its target only while it runs."""
        for one in profile.grants:
            if _is_open(one, reading.open_actions):
                if not self._builder.may_go_on(number, 1):
                    break
                self._builder.edges.spend(1)
                self._builder.grant((number,), (one,), role_arn, means=Means.TASK)

    def _call(self, number: int, urls: Iterable[str]) -> None:
        """The URLs that a state machine calls."""
        for url in dict.fromkeys(urls):
            for node in self._index.mentions.find_at_url(url):
                link = EdgeSpec(
                    means=Means.TASK,
                    certainty=Certainty.CERTAIN,
                    reason=EdgeReason.CONFIGURED,
                    label="HTTP task",
                )
                self._builder.carry((number,), self._builder.place(node, ANYTHING), link)

    def _perform(
        self, number: int, task: Task, identity: Identity, role_arn: str, *, is_known: bool
    ) -> None:
        """One thing that a state machine does, if its role may."""
        if self._index.is_out_of_sight(task.target):
            self._builder.doubt((number,), Doubt.ELSEWHERE)
            return
        answer = self._decisions.decide(identity, role_arn, task.action, task.target)
        link = _describe_task(task, answer, is_role_read=is_known)
        target = self._builder.place(task.target, task.payload, is_async=False)
        self._builder.carry((number,), target, link)


def _read_machines(index: AccountIndex, budget: Allowance) -> Mapping[Node, Machine]:
    """The shortest definitions first, as far as the budget goes."""
    found: dict[Node, Machine] = {}
    for one in sorted(index.account.state_machines, key=lambda one: len(one.definition)):
        size = len(one.definition) // _CHARACTERS
        is_read = budget.has(size)
        budget.spend(size if is_read else 0)
        found[node_of(one.arn)] = Machine(
            reading=read_machine(one, index.home) if is_read else _UNREAD,
            role=index.account.roles.get(one.role_arn),
            role_arn=one.role_arn,
        )
    return {node: found[node] for node in sorted(found)}


def _select_distinct(tasks: Iterable[Task]) -> Iterable[Task]:
    """Each thing that a state machine does once, by the first state that surely comes by."""
    found: dict[tuple[Node, Payload, str], Task] = {}
    for task in tasks:
        key = task.target, task.payload, task.action
        if key not in found or (task.is_always and not found[key].is_always):
            found[key] = task
    return found.values()


def _describe_task(task: Task, answer: Answer, *, is_role_read: bool) -> EdgeSpec:
    """What a state does, with what the machine's role may."""
    certainty, reason = Certainty.CERTAIN, EdgeReason.CONFIGURED
    if task.is_borrowing:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ASSUMED_ROLE
    elif answer.access is Access.DENIED:
        certainty, reason = Certainty.RULED_OUT, explain_refusal(answer)
    elif not task.is_always:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ONLY_SOMETIMES
    elif is_removal(task.payload):
        certainty, reason = Certainty.POSSIBLE, EdgeReason.ONLY_ONCE
    elif answer.access is Access.POSSIBLE and is_role_read:
        certainty, reason = Certainty.POSSIBLE, EdgeReason.CONDITION
    is_refused = certainty is Certainty.RULED_OUT
    return EdgeSpec(
        means=Means.TASK,
        certainty=certainty,
        reason=reason,
        id=task.state,
        label=f"state {task.state}",
        policy=answer.policy if is_refused else "",
        sid=answer.sid if is_refused else "",
    )


def _is_open(grant: WritePermission, open_actions: tuple[str, ...]) -> bool:
    """Whether a task does what a grant allows. It may do everything of a service: ``ec2:*``."""
    services = {one.partition(":")[0] for one in open_actions if one.endswith(":*")}
    return any(
        action in open_actions
        or action.partition(":")[0].lower() in services
        or (action.startswith("*") and bool(services))
        for action in grant.edge.actions
    )
