"""The resources of a stack, with their properties resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.deployment.definitions import STATE_MACHINE, resolve_definition
from cdk_loopbreaker.templates.deployment.deployment import read_type
from cdk_loopbreaker.templates.intrinsics.values import NO_VALUE
from cdk_loopbreaker.templates.model import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_loopbreaker.templates.deployment.deployment import Deployment
    from cdk_loopbreaker.templates.intrinsics.evaluator import Evaluator
    from cdk_loopbreaker.templates.model import Value

_MODULE: Final = "::MODULE"


def resolve_resources(deployment: Deployment) -> Iterator[Resource]:
    """The resources of all stacks that exist, or may exist."""
    for evaluator in deployment.walk():
        for logical_id, raw in evaluator.stack.section("Resources").items():
            if not isinstance(raw, dict) or not read_type(raw):
                with evaluator.at(logical_id):
                    evaluator.report(f"{logical_id} is no resource: it has no Type")
                continue
            if read_type(raw).endswith(_MODULE):
                with evaluator.at(logical_id):
                    evaluator.report(
                        f"module {logical_id} is in the registry; what it makes is missing"
                    )
            existence = evaluator.judge_existence(logical_id)
            if existence is not False:
                is_certain = existence is True
                yield _resolve(deployment, evaluator, logical_id, raw, is_certain=is_certain)


def _resolve(
    deployment: Deployment,
    evaluator: Evaluator,
    logical_id: str,
    raw: Mapping[str, object],
    *,
    is_certain: bool,
) -> Resource:
    stack, kind = evaluator.stack, read_type(raw)
    identity = deployment.identify(evaluator, logical_id)
    with evaluator.at(logical_id) as place:
        properties = _read_properties(evaluator, raw.get("Properties"))
        is_certain = is_certain and not evaluator.is_joined
        if kind == STATE_MACHINE:
            properties = resolve_definition(properties, stack.path.parent, evaluator.report)
    metadata = raw.get("Metadata")
    return Resource(
        type=kind,
        stack=stack.name,
        logical_id=logical_id,
        properties=properties,
        ref=identity.ref if isinstance(identity.ref, str) else identity.name,
        arn=identity.arn,
        name=identity.name,
        attributes={key: one for key, one in identity.attributes.items() if isinstance(one, str)},
        place=place,
        account=stack.account,
        region=stack.region,
        partition=stack.partition,
        is_account_known=stack.is_account_known,
        is_region_known=stack.is_region_known,
        is_certain=is_certain,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _read_properties(evaluator: Evaluator, raw: object) -> Mapping[str, Value]:
    if raw is None:
        return {}
    properties = evaluator.evaluate(raw)
    if isinstance(properties, dict):
        return properties
    if properties is not NO_VALUE:
        evaluator.report("Properties cannot be read: they are a mapping")
    return {}
