"""Findings of cdk-nag that are accepted, each with its reason, beside what causes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Validations

if TYPE_CHECKING:
    from constructs import IConstruct


def accept(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding on a construct and all below it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
