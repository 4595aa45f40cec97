"""What roles may do to single resources: asked once, within a budget."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import EdgeReason, Node
from functions.domain.graph.paths.limits import Allowance, Limits
from functions.domain.graph.writes.permission import RolePermissions
from functions.domain.graph.writes.write_actions import list_asked
from functions.domain.iam.access import (
    Access,
    Answer,
    Because,
    Identity,
    build_execution_context,
    read_rights,
)

if TYPE_CHECKING:
    from functions.domain.iam.access import Rights

# Steps, as measured: of reading a statement, of an answer beside its statements.
_READING: Final = 3
_ASKING: Final = 20
_BY_ACCESS: Final[Mapping[Access, int]] = MappingProxyType(
    {Access.ALLOWED: 0, Access.POSSIBLE: 1, Access.DENIED: 2}
)


class Decisions:
    """Answers whether a role may do something.

    Attributes
    ----------
    unasked
        Roles whose right to something was not asked for, because that takes too much.
    """

    __slots__ = ("_allowed", "_answers", "_budget", "_region", "unasked")

    def __init__(self, region: str, limits: Limits) -> None:
        self._region = region
        self._budget = Allowance(limits.decisions)
        self._allowed: dict[tuple[int, str, str], Rights] = {}
        self._answers: dict[tuple[tuple[int, str, str], Node], Answer] = {}
        self.unasked: set[str] = set()

    def decide(self, identity: Identity, role_arn: str, action: str, target: Node) -> Answer:
        """Whether a role may do an action to a node, by its policies."""
        # Identities live as long as the profiles do.
        key = (id(identity), role_arn, action)
        known = self._answers.get((key, target))
        if known is not None:
            return known
        if self._budget.is_spent:
            self.unasked.add(role_arn)
            return Answer(access=Access.POSSIBLE, because=Because.UNREADABLE)
        said = self._allowed.get(key)
        if said is None:
            context = build_execution_context(role_arn=role_arn, region=self._region)
            said = self._allowed[key] = read_rights(identity, action, context)
            self._budget.spend(_READING * sum(len(one.statements) for one in identity.policies))
        # A function may be invoked with a qualifier and without one.
        answers = [said.answer(pattern) for pattern in list_asked(target, action)]
        answer = min(answers, key=lambda answer: _BY_ACCESS[answer.access])
        self._answers[key, target] = answer
        self._budget.spend(_ASKING + len(answers) * said.size)
        return answer

    def may_at_all(
        self, profile: RolePermissions, role_arn: str, action: str, target: Node
    ) -> bool:
        """Whether something that was read lets a role do something, perhaps."""
        if not profile.may_use(action):
            return False
        answer = self.decide(profile.identity, role_arn, action, target)
        return answer.access is not Access.DENIED and answer.because is not Because.UNREADABLE


def explain_refusal(answer: Answer) -> EdgeReason:
    """Why an edge is ruled out that a role may not make."""
    match answer.because:
        case Because.EXPLICIT_DENY:
            return EdgeReason.EXPLICIT_DENY
        case Because.BOUNDARY:
            return EdgeReason.BOUNDARY
        case _:
            return EdgeReason.NOT_ALLOWED
