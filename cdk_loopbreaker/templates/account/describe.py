"""From templates to the accounts that event graphs are built from.

The templates are taken for all that there is, but for what they name and do not declare: a bucket
of another stack, a queue by a parameter, a role by its ARN. Of that nothing is known, and it is a
gap of the account, so that nothing is ruled out for want of knowledge. What other templates may add
to what these declare (another subscription of a topic, another rule of a bus) is not seen.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.account.apis import describe_apis
from cdk_loopbreaker.templates.account.flows import (
    describe_delivery_streams,
    describe_pipes,
    describe_rules,
    describe_schedules,
)
from cdk_loopbreaker.templates.account.functions import (
    describe_environments,
    describe_functions,
    describe_mappings,
)
from cdk_loopbreaker.templates.account.machines import describe_state_machines
from cdk_loopbreaker.templates.account.model import DescribedAccount
from cdk_loopbreaker.templates.account.roles import describe_resource_policies, describe_roles
from cdk_loopbreaker.templates.account.scope import AREAS, AccountScope
from cdk_loopbreaker.templates.account.senders import note_iot_targets
from cdk_loopbreaker.templates.account.sources import (
    describe_buckets,
    describe_log_subscriptions,
    describe_queues,
    describe_subscriptions,
)
from cdk_loopbreaker.templates.home import Home
from functions.domain.account.inventory import Account, Area, Gap
from functions.domain.graph.nodes import node_of
from functions.domain.graph.propagation.index import mentions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cdk_loopbreaker.templates.model import Resource, Templates

# IAM is one for all Regions of an account.
_OF_IAM: Final = "AWS::IAM::"
_NOT_DECLARED: Final = "not declared in the templates"


def describe_accounts(templates: Templates, *, at: datetime) -> tuple[DescribedAccount, ...]:
    """Describe each account and Region of the templates, in the order of their names.

    Parameters
    ----------
    at
        When the templates were read: the time of the description.
    """
    homes = sorted({(one.account, one.region, one.partition) for one in templates.resources})
    shared: dict[tuple[str, str], list[Resource]] = {}
    for one in templates.resources:
        if one.type.startswith(_OF_IAM):
            shared.setdefault((one.account, one.partition), []).append(one)
    grouped: dict[tuple[str, str, str], list[Resource]] = {home: [] for home in homes}
    for one in templates.resources:
        grouped[one.account, one.region, one.partition].append(one)
    described = []
    for place in homes:
        account, region, partition = place
        own = grouped[place]
        others = (one for one in shared.get((account, partition), ()) if one.region != region)
        home = Home(
            account=account,
            region=region,
            partition=partition,
            is_account_known=all(one.is_account_known for one in own),
            is_region_known=all(one.is_region_known for one in own),
        )
        adopted: dict[str, Resource] = {}
        scope = AccountScope(
            account=account,
            region=region,
            partition=partition,
            at=at,
            home=home,
            resources=(*(_adopt(one, home, adopted) for one in own), *others),
        )
        _note_adopted(scope, adopted)
        described.append(_describe(scope))
    return tuple(described)


def _adopt(resource: Resource, home: Home, adopted: dict[str, Resource]) -> Resource:
    """A resource that may name its own account and Region, where it names others."""
    if home.is_known or resource.type.startswith(_OF_IAM):
        return resource
    found: dict[str, Resource] = {}
    properties = home.adopt_all(resource.properties, lambda arn: found.update({arn: resource}))
    adopted.update(found)
    return replace(resource, properties=properties, is_certain=False) if found else resource


def _note_adopted(scope: AccountScope, adopted: Mapping[str, Resource]) -> None:
    """Note that what is taken for the own may be another account's or Region's after all."""
    for arn, resource in adopted.items():
        node = node_of(arn)
        if area := AREAS.get(node.kind):
            words = f"{node.name} may be of this account and Region, which are not given"
            scope.note_gap(resource, area, words, node.arn)


def _describe(scope: AccountScope) -> DescribedAccount:
    functions = describe_functions(scope)
    machines = tuple(describe_state_machines(scope))
    used = (*(one.role_arn for one in functions), *(one.role_arn for one in machines))
    account = Account(
        account=scope.account,
        region=scope.region,
        partition=scope.partition,
        at=scope.at,
        functions=functions,
        roles=MappingProxyType(describe_roles(scope, used)),
        mappings=tuple(describe_mappings(scope)),
        buckets=tuple(describe_buckets(scope)),
        subscriptions=tuple(describe_subscriptions(scope)),
        rules=tuple(describe_rules(scope)),
        schedules=tuple(describe_schedules(scope)),
        pipes=tuple(describe_pipes(scope)),
        log_subscriptions=tuple(describe_log_subscriptions(scope)),
        apis=tuple(describe_apis(scope, functions)),
        state_machines=machines,
        queues=tuple(describe_queues(scope)),
        delivery_streams=tuple(describe_delivery_streams(scope)),
        resource_policies=MappingProxyType(describe_resource_policies(scope)),
    )
    _note_undeclared(scope, account)
    note_iot_targets(scope)
    account = replace(
        account,
        functions=describe_environments(scope, functions, mentions_of(account).find_named),
        gaps=tuple(scope.gaps),
        undecided=frozenset(scope.undecided),
    )
    return DescribedAccount(
        account=account,
        places=MappingProxyType(scope.places),
        problems=tuple(sorted(scope.problems)),
    )


def _note_undeclared(scope: AccountScope, account: Account) -> None:
    """Note what is named and not declared: neither where it leads is known, nor who feeds it."""
    sources = tuple(_list_sources(account))
    for area, arn in scope.list_undeclared((*sources, *_list_targets(account), *scope.referred)):
        scope.gaps.setdefault(Gap(area=area, words=_NOT_DECLARED, resource=arn))
    for _, arn in scope.list_undeclared(sources):
        gap = Gap(area=Area.RESOURCE_POLICIES, words=_NOT_DECLARED, resource=arn)
        scope.gaps.setdefault(gap)


def _list_sources(account: Account) -> Iterator[str]:
    """What sends events on."""
    yield from (one.source_arn for one in account.mappings)
    yield from (f"arn:{account.partition}:s3:::{one.name}" for one in account.buckets)
    yield from (one.topic_arn for one in account.subscriptions)
    yield from (one.bus_arn for one in account.rules)
    yield from (one.source_arn for one in account.pipes)
    yield from (one.source_arn for one in account.delivery_streams)


def _list_targets(account: Account) -> Iterator[str]:
    """What events are sent to."""
    for function in account.functions:
        yield from (function.dead_letter_arn, function.on_success_arn, function.on_failure_arn)
    for mapping in account.mappings:
        yield from (mapping.function_arn, mapping.on_failure_arn)
    for bucket in account.buckets:
        yield from (one.target_arn for one in bucket.notifications)
        yield from bucket.replicates_to
    for subscription in account.subscriptions:
        yield from (subscription.endpoint, subscription.dead_letter_arn)
    for rule in account.rules:
        for target in rule.targets:
            yield from (target.arn, target.dead_letter_arn)
    yield from (one.target_arn for one in account.schedules)
    for pipe in account.pipes:
        yield from (pipe.target_arn, pipe.enrichment_arn, pipe.dead_letter_arn)
    yield from (one.destination_arn for one in account.log_subscriptions)
    for api in account.apis:
        yield from (*api.function_arns, *api.target_arns)
    yield from (one.dead_letter_arn for one in account.queues)
    for stream in account.delivery_streams:
        yield from (*stream.destination_arns, stream.transform_arn)
