"""Reads templates: from paths to resources with resolved properties."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.deployment.deployment import Deployment
from cdk_loopbreaker.templates.deployment.resources import resolve_resources
from cdk_loopbreaker.templates.documents.search import find_sources
from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.home import Home
from cdk_loopbreaker.templates.intrinsics.stack import find_partition
from cdk_loopbreaker.templates.model import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cdk_loopbreaker.templates.documents.document import Document
    from cdk_loopbreaker.templates.documents.source import Source

# What stands for an account and Region that no template tells. All stacks share them.
STAND_IN_ACCOUNT: Final = "123456789012"
STAND_IN_REGION: Final = "us-east-1"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9-]+")
_MOST_LISTED: Final = 20
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def read_templates(
    paths: Sequence[Path],
    *,
    parameters: Mapping[str, str] = _NOTHING,
    account: str = "",
    region: str = "",
) -> Templates:
    """All templates under paths, as one deployment.

    Parameters
    ----------
    paths
        Templates (CloudFormation or SAM, in YAML or JSON), folders of them, assemblies of the CDK.
    parameters
        Values of parameters, for every template that declares them.
    account, region
        For stacks that name none. Where they are left out, 123456789012 and us-east-1 stand in, and
        nothing is concluded from their being these.

    Raises
    ------
    TemplateError
        When a path, a template or a parameter cannot be used.
    """
    try:
        return _read(paths, parameters, account, region)
    except RecursionError as error:
        names = ", ".join(path.as_posix() for path in paths)
        raise TemplateError(f"{names}: values nest too deeply") from error


def _read(
    paths: Sequence[Path], parameters: Mapping[str, str], account: str, region: str
) -> Templates:
    found = find_sources(paths)
    _check_parameters(found.sources, parameters)
    deployment = Deployment()
    for one in found.unread:
        deployment.log.add(one.why, one.path)
    names: set[tuple[str, str, str]] = set()
    for source in found.sources:
        home = _find_home(source.account or account, source.region or region)
        where = (home.account, home.region)
        name = _make_unique(source.stack or _name_stack(source.document), where, names)
        deployment.add(
            source.document,
            name=name,
            home=home,
            arguments=parameters,
            index=source.index,
        )
    resources = tuple(resolve_resources(deployment))
    return Templates(
        resources=resources,
        problems=deployment.log.sorted(),
        acknowledged=found.acknowledged,
    )


def _find_home(account: str, region: str) -> Home:
    """Where a stack is deployed, with stand-ins for what is empty."""
    return Home(
        account=account or STAND_IN_ACCOUNT,
        region=region or STAND_IN_REGION,
        partition=find_partition(region or STAND_IN_REGION),
        is_account_known=bool(account),
        is_region_known=bool(region),
    )


def _check_parameters(sources: Sequence[Source], given: Mapping[str, str]) -> None:
    declared = {name for source in sources for name in _list_parameters(source.document)}
    unknown = sorted(given.keys() - declared)
    if unknown:
        known = ", ".join(sorted(declared)[:_MOST_LISTED]) or "none"
        more = ", ..." if len(declared) > _MOST_LISTED else ""
        raise TemplateError(
            f"parameter {unknown[0]} is in no template; parameters of the templates: {known}{more}"
        )


def _list_parameters(document: Document) -> tuple[str, ...]:
    section = document.body.get("Parameters")
    return tuple(section) if isinstance(section, dict) else ()


def _name_stack(document: Document) -> str:
    """The file name; where that only says ``template``, the name of the folder before it."""
    stem = document.path.name.split(".", 1)[0]
    folder = document.path.parent.name
    name = folder if stem.lower() == "template" and folder else stem
    return _NOT_IN_NAMES.sub("-", name).strip("-") or "stack"


def _make_unique(name: str, where: tuple[str, str], taken: set[tuple[str, str, str]]) -> str:
    number, unique = 1, name
    while (*where, unique) in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add((*where, unique))
    return unique
