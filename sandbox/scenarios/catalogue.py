"""Loops that really loop, and healthy functions that must run on untouched.

::

    with LocalAws(speed=30) as aws:
        loop = make_loop("dynamodb", aws)
        loop.deploy()
        before = loop.settings()
        loop.seed()            # from here it runs away
        ...
        loop.fix()             # what its owner changes so that it loops no more
        assert loop.poke()     # one legitimate event is handled, and nothing loops
        assert loop.settings() == before
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.scenarios.healthy_functions import BurstFunction, HealthyFunction, SteadyFunction
from sandbox.scenarios.loops import (
    ChainLoop,
    DynamoDbLoop,
    EventBridgeLoop,
    Loop,
    PokeOutcome,
    S3Loop,
    SqsLoop,
)
from sandbox.scenarios.provision import FunctionSettings

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws

LOOPS: dict[str, type[Loop]] = {
    "dynamodb": DynamoDbLoop,
    "events": EventBridgeLoop,
    "sqs": SqsLoop,
    "s3": S3Loop,
    "chain": ChainLoop,
}

__all__ = [
    "LOOPS",
    "BurstFunction",
    "ChainLoop",
    "DynamoDbLoop",
    "EventBridgeLoop",
    "FunctionSettings",
    "HealthyFunction",
    "Loop",
    "PokeOutcome",
    "S3Loop",
    "SqsLoop",
    "SteadyFunction",
    "make_loop",
]


def make_loop(kind: str, aws: LocalAws) -> Loop:
    """The loop of a kind: ``dynamodb``, ``events``, ``sqs``, ``s3`` or ``chain``."""
    return LOOPS[kind](aws)
