"""Loopbreaker for other people's CDK apps, and on the command line.

What needs the CDK is imported when it is asked for: the CDK starts Node, and the command line does
without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_loopbreaker.version import __version__

if TYPE_CHECKING:
    from cdk_loopbreaker.loop_check import LoopCheck
    from stacks.loop_guard import LoopGuard

__all__ = ["LoopCheck", "LoopGuard", "__version__"]


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    if name == "LoopGuard":
        from stacks.loop_guard import LoopGuard  # noqa: PLC0415 - see above

        return LoopGuard
    if name == "LoopCheck":
        from cdk_loopbreaker.loop_check import LoopCheck  # noqa: PLC0415 - see above

        return LoopCheck
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
