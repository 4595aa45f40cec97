"""What it takes to read the policies of a role, in steps of `limits`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from functions.domain.account.inventory import Role
from functions.domain.graph.writes.resource_grants import ResourceGrants
from functions.domain.iam.access import Identity
from functions.domain.iam.document import Effect, PolicyDocument

# Steps, as measured: of laying two patterns side by side, of each Deny beside them, of a policy
# that is known already. A step reads so many characters.
_COMPARING: Final = 150
_DENYING: Final = 20
_PARSING: Final = 5
_CHARACTERS: Final = 10


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Demand:
    """The most that reading a role takes, and that comes of it."""

    steps: int
    results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Steps of one question to the statements about one action.

    Attributes
    ----------
    of_one, of_all
        Of asking whether one pattern, or any, lets write to one resource.
    denied
        How many patterns take something away.
    is_limited
        Whether wildcards have to be asked about each resource.
    """

    of_one: int
    of_all: int
    denied: int
    is_limited: bool

    @classmethod
    def of(cls, about: Identity) -> tuple[tuple[str, ...], "Cost"]:
        """The resource patterns that are allowed, and the cost."""
        allowed = tuple(_list_patterns((*about.policies, *about.direct), Effect.ALLOW))
        boundary = () if about.boundary is None else (about.boundary,)
        denied = sum(1 for _ in _list_patterns((*about.policies, *boundary), Effect.DENY))
        is_narrowed = any(
            statement.resources is not None and statement.resources.is_inverted
            for document in (*about.policies, *about.direct)
            for statement in document.statements
        )
        limits = max(1, sum(1 for _ in _list_patterns(boundary, Effect.ALLOW)))
        of_one = limits * (_COMPARING + _DENYING * denied)
        return allowed, cls(
            of_one=of_one,
            of_all=len(allowed) * (1 + of_one),
            denied=denied,
            is_limited=bool(denied or boundary or is_narrowed),
        )


def _list_patterns(documents: Iterable[PolicyDocument], effect: Effect) -> Iterator[str]:
    """The resource patterns of statements; one for what names none, or all but some."""
    for document in documents:
        for statement in document.statements:
            if statement.effect is effect:
                selection = statement.resources
                is_listed = selection is not None and not selection.is_inverted
                yield from selection.patterns if selection and is_listed else ("*",)


def measure_size(role: Role, granted: ResourceGrants) -> int:
    """Steps of reading the texts of a role, with what resource policies grant it."""
    policies = (*role.policies, *((role.boundary,) if role.boundary else ()))
    others = len(granted.own) + len(granted.direct)
    own = sum(_PARSING + len(one.text) // _CHARACTERS for one in policies)
    return own + _PARSING * others
