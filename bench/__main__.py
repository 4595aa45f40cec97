"""Dispatcher: ``python -m bench PART ...`` runs one part, ``python -m bench`` all of them."""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

Main = Callable[[list[str]], int | None]


def part(name: str) -> Main | None:
    """The `main(argv)` of the module or package `name` beside this one; ``None`` without one."""
    found = getattr(importlib.import_module(f"bench.{name}"), "main", None)
    return cast("Main", found) if callable(found) else None


def run(arguments: list[str]) -> int:
    """Run the part that the first argument names, or all parts."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = sorted(module.name for module in modules if not module.name.startswith("_"))
    chosen, rest = (arguments[:1], arguments[1:]) if arguments else (names, [])
    worst = 0
    for name in chosen:
        main = part(name) if name in names else None
        if main is not None:
            print(f"== {name} ==", flush=True)
            worst = max(worst, main(rest) or 0)
        elif len(arguments) > 0:
            parts = ", ".join(one for one in names if part(one) is not None)
            print(f"unknown part {name!r}; there are: {parts}", file=sys.stderr)
            worst = 2
    return worst


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
