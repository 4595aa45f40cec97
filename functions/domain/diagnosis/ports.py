"""What remediating findings needs of the world. Adapters in `functions.aws`, fakes in the tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.domain.diagnosis.facts import DeniedCall
from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.diagnosis.remedy import AddPermission
from functions.domain.diagnosis.triage import Progress
from functions.domain.incidents.ports import RequestClaim
from functions.domain.ports import GuardContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the remedies may change in a function's configuration.

    `description` is empty for none.
    """

    memory_mb: int
    tracing_mode: str
    description: str


class FunctionChanges(Protocol):
    """The changes that remedies make.

    Every method raises `FunctionNotFoundError` when the function does not exist, `RefusedError`
    when AWS refuses for good (a role that is gone, for instance), and `BusyError` when AWS keeps
    throttling, or is still at work on an earlier change, after the bounded retries. A change
    returns once the next one may follow: the adapter waits for ``LastUpdateStatus``.
    """

    def read_configuration(self, function: str) -> Configuration:
        """What is configured now."""
        ...

    def set_memory(self, function: str, memory_mb: int) -> None:
        """UpdateFunctionConfiguration with nothing but MemorySize."""
        ...

    def set_tracing(self, function: str, mode: str) -> None:
        """UpdateFunctionConfiguration with nothing but TracingConfig."""
        ...

    def set_description(self, function: str, description: str) -> None:
        """UpdateFunctionConfiguration with nothing but Description."""
        ...

    def inline_policy(self, role: str, policy_name: str) -> str | None:
        """The JSON document of an inline policy, URL-decoded.

        ``None`` where there is none, or no such role.
        """
        ...

    def put_inline_policy(self, role: str, policy_name: str, document: str) -> None:
        """PutRolePolicy. The name always begins with ``Loopbreaker-``."""
        ...

    def delete_inline_policy(self, role: str, policy_name: str) -> None:
        """DeleteRolePolicy; nothing happens where there is none, or no such role."""
        ...

    def read_permission(self, function: str, qualifier: str, statement_id: str) -> str | None:
        """The JSON of one statement of the resource policy; ``None`` where there is none."""
        ...

    def add_permission(self, permission: AddPermission) -> None:
        """AddPermission."""
        ...

    def remove_permission(self, function: str, qualifier: str, statement_id: str) -> None:
        """RemovePermission; nothing happens where there is none."""
        ...


class RemediationStore(Protocol):
    """The durable record of findings and remediations.

    Every method raises `LedgerUnavailableError`.
    """

    def read_findings(self) -> FindingBook:
        """All findings that are open or were closed lately; an empty book where there is none."""
        ...

    def save_book(self, book: FindingBook) -> FindingBook:
        """Replace the book and answer it with its new version.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `read_findings` carries.
        """
        ...

    def open(self, remediation: Remediation) -> Remediation:
        """Write a new remediation, in place of a closed one of the same function and entry.

        Answers what is stored: with the same id on a retry, and another one where a remediation of
        the same function and entry is not closed.
        """
        ...

    def save(self, remediation: Remediation) -> Remediation:
        """Replace the stored remediation and answer it with its new version.

        Raises
        ------
        StaleIncidentError
            When the stored version is not the one that `remediation` carries.
        """
        ...

    def find(self, function: str, entry: str) -> Remediation | None:
        """The newest remediation, open or closed, read consistently."""
        ...

    def read_remediations(self, functions: Sequence[str] = ()) -> tuple[Remediation, ...]:
        """The newest remediation of each entry of some functions; of all where none is named."""
        ...


class Memory(Protocol):
    """What rounds remember. Every method raises `LedgerUnavailableError`."""

    def read_findings(self) -> FindingBook:
        """All findings that are open or were closed lately."""
        ...

    def read_progress(self) -> Progress | None:
        """How far the last round came; ``None`` before the first."""
        ...

    def save_progress(self, progress: Progress) -> None:
        """Remember how far a round has come."""
        ...

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """Remember that functions and roles were changed."""
        ...

    def read_touched(self) -> dict[str, str]:
        """What was changed since it was examined last, with the mark of the last change."""
        ...

    def forget_touched(self, marks: dict[str, str]) -> None:
        """Forget changes, unless something was changed again meanwhile."""
        ...

    def remember_denial(self, function: str, denied: DeniedCall, now: datetime) -> None:
        """Keep a denied invocation for a fortnight."""
        ...

    def read_denials(self, since: datetime) -> Mapping[str, tuple[DeniedCall, ...]]:
        """The denied invocations that were seen since a moment, by function."""
        ...


class Requests(Protocol):
    """Who carries out which request."""

    def claim_request(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See `Ledger.claim_request`."""
        ...

    def settle_request(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See `Ledger.settle_request`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RemediationContext(GuardContext):
    """Ports and deployment, handed to everything that remediates."""

    repairs: FunctionChanges
    remediations: RemediationStore
