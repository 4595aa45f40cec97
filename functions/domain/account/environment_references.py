"""What is kept of a function's environment variables: the known resources that they name.

A value may be a secret, and whoever can read where it is kept can read it. So no value leaves this
module: of each there is kept which known resource it names, and of a tracer's variables whether
they switch the tracer off.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Naming: TypeAlias = Callable[[str, str], Iterable[str]]
"""The known resources that a variable, by its name, names with a word of its value."""

_SEPARATORS: Final = re.compile(r"""[\s,;|"'\[\]{}()=]+""")
_LONGEST_VALUE: Final = 4096  # Lambda takes 4 KB for all variables of a function

# Variables that only code with a tracer has, and values that switch a tracer off. The runtime's
# own AWS_XRAY_DAEMON_ADDRESS and AWS_XRAY_CONTEXT_MISSING say nothing: the second one is often set
# in order to live without traces.
_TRACER: Final = frozenset(
    {
        "AWS_XRAY_TRACING_NAME",
        "AWS_XRAY_DEBUG_MODE",
        "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
        "POWERTOOLS_TRACER_CAPTURE_ERROR",
    }
)
_SWITCHED_OFF: Final = {
    "POWERTOOLS_TRACE_DISABLED": frozenset({"true", "1", "yes", "on"}),
    "OTEL_SDK_DISABLED": frozenset({"true"}),
    "AWS_XRAY_SDK_ENABLED": frozenset({"false", "0"}),
}
_SWITCHED_ON: Final = {
    "POWERTOOLS_TRACE_DISABLED": frozenset({"false", "0"}),
    "AWS_XRAY_SDK_ENABLED": frozenset({"true", "1"}),
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """A known resource that a variable names.

    Attributes
    ----------
    variable
        The variable's name.
    resource
        The ARN of the resource, as the event graph has it; of a function with the version or
        alias that is named.
    """

    variable: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What is known of a function's environment variables.

    Attributes
    ----------
    tracer_variables
        Names of the variables that show that the code has a tracer.
    is_tracer_off
        Whether a variable switches the tracer off.
    """

    references: tuple[Reference, ...] = ()
    tracer_variables: tuple[str, ...] = ()
    is_tracer_off: bool = False


def read_environment(variables: Mapping[str, str], naming: Naming) -> Environment:
    """What is kept of the variables, by their names."""
    found = {
        Reference(variable=variable, resource=resource)
        for variable, value in variables.items()
        for word in _split_words(value)
        for resource in naming(variable, word)
    }
    settings = {variable: value.strip().lower() for variable, value in variables.items()}
    return Environment(
        references=tuple(sorted(found)),
        tracer_variables=tuple(
            variable
            for variable, value in sorted(settings.items())
            if variable in _TRACER or value in _SWITCHED_ON.get(variable, ())
        ),
        is_tracer_off=any(
            settings.get(variable) in values for variable, values in _SWITCHED_OFF.items()
        ),
    )


def _split_words(value: str) -> set[str]:
    """The whole words of a value, and the value itself."""
    text = value[:_LONGEST_VALUE].strip()
    return {text, *_SEPARATORS.split(text)} - {""}
