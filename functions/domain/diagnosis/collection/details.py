"""What AWS answers about one function that no list tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDetails:
    """A function's configuration at this moment, as far as a list does not tell it.

    Attributes
    ----------
    version
        The number of the version, or ``$LATEST``.
    system_log_level
        Of the LoggingConfig, in JSON format only; empty for none.
    layers
        ARNs of its layers' versions.
    """

    architecture: str = "x86_64"
    description: str = ""
    memory_mb: int = 128
    timeout_seconds: int = 3
    tracing_mode: str = "PassThrough"
    system_log_level: str = ""
    layers: tuple[str, ...] = ()
    version: str = "$LATEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """A log group as DescribeLogGroups tells it."""

    name: str
    kms_key_arn: str = ""
