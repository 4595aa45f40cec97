"""What would cure a finding, as data: frozen steps, each with its inverse.

A remedy is always named. It is applied only where `functions.domain.diagnosis.authorization` finds
that the operator allowed it. Every inverse is checked before it runs: what a person changed
meanwhile is left alone and reported.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from functions.domain.changes.outcome import ChangeOutcome

PREFIX: Final = "Loopbreaker-"
ACTIVE: Final = "Active"
_MARK_BEGIN: Final = "(Loopbreaker: credentials refreshed "
DESCRIPTION_LIMIT: Final = 256  # characters of a function's description (CreateFunction)


class RemedyKind(StrEnum):
    """What the operator allows by name: ``-c remedies=logs,traces,permissions,memory``."""

    LOGS = "logs"
    TRACES = "traces"
    PERMISSIONS = "permissions"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutInlinePolicy:
    """Give a role an inline policy. `document` is JSON, in the form of `compose_policy`."""

    role: str
    policy_name: str
    document: str

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return f"policy:{self.role}/{self.policy_name}"

    def invert(self) -> "DeleteInlinePolicy":
        """The step that undoes this one."""
        return DeleteInlinePolicy(
            role=self.role, policy_name=self.policy_name, document=self.document
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTracing:
    """Switch a function's tracing mode."""

    function: str
    to: str
    prior: str

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return "tracing"

    def invert(self) -> "PutBackTracing":
        """The step that undoes this one."""
        return PutBackTracing(function=self.function, prior=self.prior, written=self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMemory:
    """Set a function's memory size, in MB."""

    function: str
    to: int
    prior: int

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return "memory"

    def invert(self) -> "PutBackMemory":
        """The step that undoes this one."""
        return PutBackMemory(function=self.function, prior=self.prior, written=self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimeout:
    """Set a function's timeout, in seconds. Only ever named: no flag allows it."""

    function: str
    to: int
    prior: int

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermission:
    """Add one statement to the resource policy of a function, version or alias.

    Attributes
    ----------
    qualifier
        Empty for the unqualified function.
    principal
        A service principal, an account or the ARN of a role; never ``*``.
    source_arn, source_account
        Conditions on the source; empty for none.
    """

    function: str
    statement_id: str
    principal: str
    source_arn: str = ""
    source_account: str = ""
    qualifier: str = ""
    action: str = "lambda:InvokeFunction"

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return f"permission:{self.qualifier}/{self.statement_id}"

    def invert(self) -> "RemovePermission":
        """The step that undoes this one."""
        return RemovePermission(permission=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCredentials:
    """Make Lambda start fresh execution environments, which take the role's present rights.

    The trivial update that AWS's page asks for is one of the description: no code reads it, nothing
    else changes with it, and unlike an environment variable it is no secret and no configuration.

    UNCONFIRMED A-040: that an update of the description alone replaces warm environments. If it
    does not, they take the new rights when Lambda replaces them, within hours.
    """

    function: str
    prior: str
    to: str

    @property
    def key(self) -> str:
        """Names the thing that the step changes, once within a remediation."""
        return "description"

    def invert(self) -> "PutBackDescription":
        """The step that undoes this one."""
        return PutBackDescription(function=self.function, prior=self.prior, written=self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInlinePolicy:
    """Delete the inline policy, if it still is what the guard wrote."""

    role: str
    policy_name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackTracing:
    """Put the tracing mode back, if it still is what the guard wrote."""

    function: str
    prior: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackMemory:
    """Put the memory size back, if it still is what the guard wrote."""

    function: str
    prior: int
    written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePermission:
    """Remove the statement, if it still is what the guard wrote."""

    permission: AddPermission


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBackDescription:
    """Put the description back, if it still is what the guard wrote."""

    function: str
    prior: str
    written: str


RemedyStep: TypeAlias = (
    PutInlinePolicy | SetTracing | SetMemory | AddPermission | RefreshCredentials
)
RemedyInverse: TypeAlias = (
    DeleteInlinePolicy | PutBackTracing | PutBackMemory | RemovePermission | PutBackDescription
)
# What a remedy may name: a timeout is never set by the guard.
NamedStep: TypeAlias = RemedyStep | SetTimeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One way to cure a finding.

    Attributes
    ----------
    kind
        The name by which the operator may allow it; ``None`` for one that is only ever named.
    words
        What it does, as one sentence.
    steps
        What it changes, in order. Of a remedy that may be applied every step has an inverse.
    alternative
        AWS's own, broader one, as a sentence; empty for none.
    named_only
        Why the guard never does it, as a sentence; empty for one that it may do.
    """

    words: str
    kind: RemedyKind | None = None
    steps: tuple[NamedStep, ...] = ()
    alternative: str = ""
    named_only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyOutcome(ChangeOutcome):
    """A step of a remediation with what became of it and, later, of its inverse."""

    step: RemedyStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One Allow statement."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]


def compose_policy(grants: Sequence[Grant]) -> str:
    """An identity policy of Allow statements as JSON, always in the same form."""
    return canonicalize(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": grant.sid,
                    "Effect": "Allow",
                    "Action": list(grant.actions),
                    "Resource": list(grant.resources),
                }
                for grant in grants
            ],
        }
    )


def canonicalize(document: Mapping[str, object]) -> str:
    """A JSON object in one form, so that texts can be compared."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def is_same_policy(one: str, other: str) -> bool:
    """Whether two JSON documents say the same, whatever their spaces and the order of keys."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def mark_refreshed(description: str, now: datetime) -> str:
    """A description with a mark, within its limit; an earlier mark is replaced."""
    mark = f"{_MARK_BEGIN}{now:%Y-%m-%dT%H:%MZ})"
    plain = description.split(_MARK_BEGIN, 1)[0].rstrip()
    kept = plain[: DESCRIPTION_LIMIT - len(mark) - 1].rstrip()
    return f"{kept} {mark}".lstrip()


def refresh(function: str, description: str | None, now: datetime) -> RefreshCredentials:
    """The trivial update of a function whose description is known, or ``None``."""
    to = "" if description is None else mark_refreshed(description, now)
    return RefreshCredentials(function=function, prior=description or "", to=to)


def parse_role_name(role_arn: str) -> str:
    """The name of a role: what follows its path in the ARN."""
    return role_arn.rsplit("/", 1)[-1]
