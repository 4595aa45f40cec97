"""Every error of the domain. Adapters translate AWS's errors into these, once."""


class LoopbreakerError(Exception):
    """Base of all errors that Loopbreaker raises itself."""


class UnrecognisedSignalError(LoopbreakerError):
    """When an event has a shape that no trigger of the stack sends."""


class InvalidSeriesError(LoopbreakerError):
    """When datapoints are not numbers, negative, unsorted, duplicated or off their period."""


class FunctionNotFoundError(LoopbreakerError):
    """When the target function does not exist (any more)."""


class MappingNotFoundError(LoopbreakerError):
    """When an event source mapping does not exist (any more)."""


class VersionNotFoundError(LoopbreakerError):
    """When a version of a function does not exist (any more), or has no scaling of its own."""


class RefusedError(LoopbreakerError):
    """When AWS refuses a change for good: the text holds AWS's own words."""


class InvalidValueError(RefusedError):
    """When AWS refuses a change because of a value: as it is now, it cannot be so."""


class ProvisionedConcurrencyError(InvalidValueError):
    """When AWS refuses a reservation below the provisioned concurrency of a function."""


class BusyError(LoopbreakerError):
    """When AWS still answers with throttling or a conflict after the bounded retries."""


class MetricsUnavailableError(LoopbreakerError):
    """When CloudWatch cannot be asked, after the bounded retries."""


class LedgerUnavailableError(LoopbreakerError):
    """When the ledger cannot be read or written, after the bounded retries."""


class RecordTooLargeError(LedgerUnavailableError):
    """When a record does not fit into the ledger. Nothing is stored of what it was to hold."""


class StaleIncidentError(LoopbreakerError):
    """When an incident was changed by somebody else since it was read."""


class SnapshotOverwriteError(LoopbreakerError):
    """When code tries to write a part of a snapshot a second time. Always a bug of ours."""


class NoticeUndeliveredError(LoopbreakerError):
    """When SNS does not accept a notice, after the bounded retries."""


class InvalidTransitionError(LoopbreakerError):
    """When an incident is asked to go to a state that its present state does not lead to."""


class RestoreFailedError(LoopbreakerError):
    """When at least one function could not be put back: the text names each, with AWS's words."""
