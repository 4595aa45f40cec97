"""The answers of the evaluation of policies."""

from dataclasses import dataclass
from enum import StrEnum

from functions.domain.iam.document import Condition


class Access(StrEnum):
    """Whether something may be done."""

    ALLOWED = "allowed"
    POSSIBLE = "possible"
    DENIED = "denied"


class Because(StrEnum):
    """Why.

    The last four are near misses: a statement is there for this principal and action, and this is
    the first thing about it that does not fit. All but the last are of resource policies only.
    """

    ALLOW_STATEMENT = "a statement allows it"
    NO_STATEMENT = "no statement allows it"
    NO_POLICY = "there is no policy"
    EXPLICIT_DENY = "a statement denies it"
    BOUNDARY = "the permissions boundary does not allow it"
    CONDITION = "a statement allows it under a condition"
    UNREADABLE = "a policy could not be read"
    OTHER_RESOURCE = "the statement is about another version or alias"
    OTHER_SOURCE_ARN = "the statement allows another source ARN"
    OTHER_SOURCE_ACCOUNT = "the statement allows another source account"
    OTHER_CONDITION = "a condition of the statement does not hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether something may be done, and what says so.

    Attributes
    ----------
    policy, sid
        The statement that decided, or that came nearest; empty where none did. A statement
        without a Sid is called ``statement 2``.
    conditions
        The lines of that statement that do not hold or that nobody here can decide.
    """

    access: Access
    because: Because
    policy: str = ""
    sid: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def words(self) -> str:
        """The same for people, such as ``a statement denies it (policy guard, Sid NoWrites)``."""
        if not self.policy:
            return self.because.value
        where = f"policy {self.policy}" + (f", {self.sid}" if self.sid else "")
        return f"{self.because.value} ({where})"
