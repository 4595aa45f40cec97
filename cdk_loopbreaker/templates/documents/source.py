"""Templates as a command names them, with what is known of the stacks they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstructIndex:
    """What an assembly states of a stack beside its template.

    Attributes
    ----------
    paths
        By file name of a template: construct path by logical id.
    assets
        File name of an asset by its hash, which stands in the URL of a nested template.
    """

    paths: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    assets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def find_asset(self, url: str) -> str:
        """The file that is uploaded to a URL; empty for none of the stack's."""
        return self.assets.get(url.rsplit("/", 1)[-1].partition(".")[0], "")


NO_INDEX: Final = ConstructIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template that makes a stack.

    `stack`, `account` and `region` are empty where nothing tells them.
    """

    document: Document
    stack: str = ""
    account: str = ""
    region: str = ""
    index: ConstructIndex = NO_INDEX
