"""Replaces private functions of the pinned emulator, and refuses when they have changed."""

from __future__ import annotations

import inspect
from typing import Any

_applied: list[str] = []


class PatchDoesNotFitError(RuntimeError):
    """When a function to be replaced is missing or has other parameters than expected."""


def replace(module: Any, name: str, replacement: Any, parameters: tuple[str, ...]) -> Any:
    """Put ``replacement`` in the place of ``module.name`` and return the original.

    Parameters
    ----------
    module
        The emulator's module.
    name
        The function in it.
    replacement
        What to call instead.
    parameters
        The parameter names which the original must have; another list means that the emulator is
        not the version this patch was written for.
    """
    original = check(module, name, parameters)
    setattr(module, name, replacement)
    return original


def check(module: Any, name: str, parameters: tuple[str, ...]) -> Any:
    """The function that is to be replaced or wrapped, when it is what the patch expects."""
    where = f"{module.__name__}.{name}"
    original = getattr(module, name, None)
    if original is None:
        raise PatchDoesNotFitError(f"{where} does not exist in this version of the emulator")
    found = tuple(inspect.signature(original).parameters)
    if found != parameters:
        raise PatchDoesNotFitError(f"{where} takes {found}, expected {parameters}")
    _applied.append(where)
    return original


def substitute(module: Any, name: str, value: Any, expected: type | tuple[type, ...]) -> Any:
    """Put another value in the place of a module's variable and return the original value."""
    where = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        raise PatchDoesNotFitError(f"{where} does not exist in this version of the emulator")
    original = getattr(module, name)
    if not isinstance(original, expected):
        raise PatchDoesNotFitError(f"{where} is a {type(original).__name__}, expected {expected}")
    setattr(module, name, value)
    _applied.append(where)
    return original


def applied() -> tuple[str, ...]:
    """What has been replaced so far, as ``module.function``."""
    return tuple(_applied)
