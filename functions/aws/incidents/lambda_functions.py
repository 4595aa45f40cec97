"""The target functions, by Lambda's control plane.

Beyond GetFunction (100 a second) and GetPolicy (15), all of it shares 15 calls a second for the
whole account, and none of this can be raised (Lambda developer guide, *Lambda quotas*): hence the
retries, and as few calls as the question allows.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from functions.aws.runtime.errors import (
    AWS_ERRORS,
    CONFLICT_CODES,
    translate_lambda_error,
    translate_lambda_errors,
)
from functions.aws.runtime.observability import logger
from functions.aws.runtime.retry import CHANGES
from functions.domain.changes.steps import (
    EventSourceMapping,
    ProvisionedConcurrency,
    VersionScaling,
)
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.errors import (
    FunctionNotFoundError,
    LoopbreakerError,
    MappingNotFoundError,
    VersionNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionScalingConfigTypeDef, ScalingConfigTypeDef
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

    from functions.aws.runtime.retry import Retry
    from functions.domain.detection.evidence import Trigger
from functions.aws.incidents.function_triggers import pushed_by, trigger_of_mapping

IAM_ACTIONS: Final = frozenset(
    {
        "lambda:DeleteFunctionConcurrency",
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetEventSourceMapping",
        "lambda:GetFunction",
        "lambda:GetFunctionConcurrency",
        "lambda:GetFunctionScalingConfig",
        "lambda:GetPolicy",
        "lambda:ListAliases",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctionEventInvokeConfigs",
        "lambda:ListFunctionVersionsByCapacityProvider",
        "lambda:ListProvisionedConcurrencyConfigs",
        # GetFunction leaves the tags out for a caller who may not list them.
        "lambda:ListTags",
        "lambda:PutFunctionConcurrency",
        "lambda:PutFunctionScalingConfig",
        "lambda:PutProvisionedConcurrencyConfig",
        "lambda:TagResource",
        "lambda:UntagResource",
        "lambda:UpdateEventSourceMapping",
        "tag:GetResources",
    }
)
_T = TypeVar("_T")
DISABLED_STATES: Final = frozenset({"Disabled", "Disabling"})
_UPDATING: Final = "Updating"
_DELETING: Final = "Deleting"
# arn:aws:lambda:<region>:<account>:function:<name>[:<version or alias>]
_NAME_FIELD: Final = 6


class LambdaFunctions:
    """The port `Functions`."""

    def __init__(
        self,
        client: LambdaClient,
        tagging: Callable[[], ResourceGroupsTaggingAPIClient],
        *,
        retry: Retry = CHANGES,
    ) -> None:
        self._client = client
        self._tagging = tagging  # called when first needed: the way to a throttle does without it
        self._retry = retry

    def describe(self, function: str) -> FunctionFacts:
        """Configuration, tags and reservation, by one GetFunction.

        Of a function on Lambda Managed Instances the scaling of its versions too; where that
        cannot be read, it is left unknown. Tenant isolation (``TenancyConfig``) changes nothing:
        a reservation counts for all tenants together.

        Tags that AWS could not read (``TagsError``) count as none: the Deny on exempt functions in
        the guard's own policy still holds.
        """
        with translate_lambda_errors(function):
            answer = self._client.get_function(FunctionName=function)
        if "TagsError" in answer:
            logger.warning("tags unknown", about=function, error=answer["TagsError"])
        configuration = answer["Configuration"]
        provider = (
            configuration.get("CapacityProviderConfig", {})
            .get("LambdaManagedInstancesCapacityProviderConfig", {})
            .get("CapacityProviderArn", "")
        )
        return FunctionFacts(
            name=configuration["FunctionName"],
            arn=configuration["FunctionArn"],
            memory_mb=configuration["MemorySize"],
            timeout_seconds=configuration["Timeout"],
            architecture=next(iter(configuration.get("Architectures", ())), "x86_64"),
            reserved_concurrency=answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
            tags=MappingProxyType(dict(answer.get("Tags") or {})),
            async_target_arn=configuration.get("DeadLetterConfig", {}).get("TargetArn", ""),
            last_modified=_parse_moment(configuration.get("LastModified", "")),
            kind=FunctionKind.MANAGED_INSTANCES if provider else FunctionKind.STANDARD,
            scaling=self._read_scaling_of_versions(function, provider) if provider else (),
            is_durable=bool(configuration.get("DurableConfig")),
        )

    def reserved_concurrency(self, function: str) -> int | None:
        """What is reserved now; AWS leaves the field out when it is nothing."""
        with translate_lambda_errors(function):
            answer = self._client.get_function_concurrency(FunctionName=function)
        return answer.get("ReservedConcurrentExecutions")

    def reserve(self, function: str, concurrency: int) -> None:
        """See the port."""
        self._change(
            function,
            lambda: self._client.put_function_concurrency(
                FunctionName=function, ReservedConcurrentExecutions=concurrency
            ),
        )

    def unreserve(self, function: str) -> None:
        """See the port."""
        self._change(
            function, lambda: self._client.delete_function_concurrency(FunctionName=function)
        )

    def provisioned(self, function: str) -> tuple[ProvisionedConcurrency, ...]:
        """See the port."""
        pages = self._client.get_paginator("list_provisioned_concurrency_configs")
        with translate_lambda_errors(function):
            found = [
                ProvisionedConcurrency(
                    qualifier=one["FunctionArn"].rpartition(":")[2],
                    requested=one["RequestedProvisionedConcurrentExecutions"],
                )
                for page in pages.paginate(FunctionName=function)
                for one in page["ProvisionedConcurrencyConfigs"]
            ]
        return tuple(sorted(found, key=lambda one: one.qualifier))

    def put_provisioned(self, function: str, qualifier: str, requested: int) -> None:
        """See the port. AWS says the same of an alias that is gone and of a function that is."""
        with self._translate_version_errors(function, qualifier):
            self._change(
                function,
                lambda: self._client.put_provisioned_concurrency_config(
                    FunctionName=function,
                    Qualifier=qualifier,
                    ProvisionedConcurrentExecutions=requested,
                ),
            )

    def remove_provisioned(self, function: str, qualifier: str) -> None:
        """See the port."""
        try:
            self._change(
                function,
                lambda: self._client.delete_provisioned_concurrency_config(
                    FunctionName=function, Qualifier=qualifier
                ),
            )
        except FunctionNotFoundError:
            self.reserved_concurrency(function)

    def has_version(self, function: str, qualifier: str) -> bool:
        """See the port."""
        try:
            with self._translate_version_errors(function, qualifier):
                self._client.get_function(FunctionName=function, Qualifier=qualifier)
        except VersionNotFoundError:
            return False
        return True

    def scaling(self, function: str, qualifier: str) -> VersionScaling:
        """See the port. What is requested counts, not what is in force yet."""
        with self._translate_version_errors(function, qualifier):
            answer = self._client.get_function_scaling_config(
                FunctionName=function, Qualifier=qualifier
            )
        requested = answer.get("RequestedFunctionScalingConfig", {})
        return VersionScaling(
            qualifier=qualifier,
            minimum=requested.get("MinExecutionEnvironments"),
            maximum=requested.get("MaxExecutionEnvironments"),
        )

    def scale(self, function: str, scaling: VersionScaling) -> None:
        """See the port.

        Both numbers are sent together: one that is left out goes back to Lambda's default (Lambda
        developer guide, *Scaling Lambda Managed Instances*). UNCONFIRMED A-007: that leaving both
        out does so too; restoring then fails in AWS's words, and the version stays at 0.
        """
        config: FunctionScalingConfigTypeDef = {}
        if scaling.minimum is not None:
            config["MinExecutionEnvironments"] = scaling.minimum
        if scaling.maximum is not None:
            config["MaxExecutionEnvironments"] = scaling.maximum
        with self._translate_version_errors(function, scaling.qualifier):
            self._change(
                function,
                lambda: self._client.put_function_scaling_config(
                    FunctionName=function,
                    Qualifier=scaling.qualifier,
                    FunctionScalingConfig=config,
                ),
            )

    def _read_scaling_of_versions(self, function: str, provider: str) -> tuple[VersionScaling, ...]:
        """The scaling of the versions that have instances of a capacity provider."""
        try:
            with translate_lambda_errors(provider):
                pages = self._client.get_paginator("list_function_versions_by_capacity_provider")
                qualifiers = [
                    one["FunctionArn"].split(":")[_NAME_FIELD + 1]
                    for page in pages.paginate(CapacityProviderName=provider)
                    for one in page["FunctionVersions"]
                    if _parse_function_name(one) == function
                    and one["FunctionArn"].count(":") > _NAME_FIELD
                ]
            return tuple(self.scaling(function, one) for one in sorted(qualifiers))
        except LoopbreakerError as error:
            logger.warning("scaling unknown", about=function, error=str(error))
            return ()

    @contextmanager
    def _translate_version_errors(self, function: str, qualifier: str) -> Iterator[None]:
        """Tell a version that is gone from a function that is."""
        try:
            with translate_lambda_errors(function):
                yield
        except FunctionNotFoundError as error:
            with translate_lambda_errors(function):
                self._client.get_function(FunctionName=function)
            raise VersionNotFoundError(f"{function}:{qualifier}: {error}") from error

    def mappings(self, function: str) -> tuple[EventSourceMapping, ...]:
        """All mappings of the function, of its versions and of its aliases.

        UNCONFIRMED A-008: whether a list by the bare name holds the mappings of versions and
        aliases; a function may have hundreds of these. So all mappings of the Region are listed,
        100 a call, and those that invoke the function are kept. That takes long where there are
        thousands: call it after the function was stopped.
        """
        pages = self._client.get_paginator("list_event_source_mappings")
        with translate_lambda_errors(function):
            return tuple(
                self._wait_until_settled(one)
                for page in pages.paginate()
                for one in page["EventSourceMappings"]
                if is_mapping_of(one, function)
            )

    def mapping(self, uuid: str) -> EventSourceMapping:
        """See the port. One that is being deleted is gone."""
        return self._wait_until_settled(self._read_mapping(uuid))

    def switch_mapping(self, uuid: str, *, enabled: bool) -> None:
        """See the port.

        A mapping that is still enabling, disabling or updating takes no change
        (ResourceInUseException): it is tried again.
        """
        try:
            self._change(
                uuid,
                lambda: self._client.update_event_source_mapping(UUID=uuid, Enabled=enabled),
            )
        except FunctionNotFoundError as error:
            raise MappingNotFoundError(str(error)) from error

    def limit_mapping(self, uuid: str, maximum: int | None) -> None:
        """See the port. An empty configuration removes the limit (Lambda API, *ScalingConfig*).

        UNCONFIRMED A-009: what AWS answers for a mapping in provisioned mode, and for one that AWS
        granted more than the usual bound; that is a refusal in AWS's words, and nothing changes.
        """
        config: ScalingConfigTypeDef = {} if maximum is None else {"MaximumConcurrency": maximum}
        try:
            self._change(
                uuid,
                lambda: self._client.update_event_source_mapping(UUID=uuid, ScalingConfig=config),
            )
        except FunctionNotFoundError as error:
            raise MappingNotFoundError(str(error)) from error

    def triggers(
        self, function: str, mappings: Sequence[EventSourceMapping]
    ) -> tuple[Trigger, ...]:
        """See the port.

        A permission that was given to an alias is in the policy of the alias alone (Lambda
        developer guide, *Using Lambda aliases in event sources and permissions policies*), while a
        reservation is one for the function with all its aliases.
        """
        policies = [self._read_policy(function)]
        policies += [self._read_policy(function, one) for one in self._list_aliases(function)]
        pushed = dict.fromkeys(one for policy in policies if policy for one in pushed_by(policy))
        return (*(trigger_of_mapping(one) for one in mappings), *pushed)

    def async_target(self, function: str) -> str:
        """See the port. That of the function itself comes before those of versions and aliases."""
        pages = self._client.get_paginator("list_function_event_invoke_configs")
        targets: dict[str, str] = {}  # by the ARN with the qualifier, $LATEST for none
        with suppress(FunctionNotFoundError), translate_lambda_errors(function):
            targets = {
                one["FunctionArn"]: one["DestinationConfig"]["OnFailure"]["Destination"]
                for page in pages.paginate(FunctionName=function)
                for one in page["FunctionEventInvokeConfigs"]
                if one.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
            }
        return targets[min(targets)] if targets else ""

    def _read_policy(self, function: str, alias: str = "") -> str:
        """The text of a resource policy; empty for none."""
        given = {"Qualifier": alias} if alias else {}
        with suppress(FunctionNotFoundError), translate_lambda_errors(function):
            return self._client.get_policy(FunctionName=function, **given).get("Policy", "")
        return ""

    def _list_aliases(self, function: str) -> tuple[str, ...]:
        pages = self._client.get_paginator("list_aliases")
        with suppress(FunctionNotFoundError), translate_lambda_errors(function):
            return tuple(
                one["Name"]
                for page in pages.paginate(FunctionName=function)
                for one in page["Aliases"]
            )
        return ()

    def tag(self, function_arn: str, tags: Mapping[str, str]) -> None:
        """See the port."""
        self._change(
            function_arn,
            lambda: self._client.tag_resource(Resource=function_arn, Tags=tags),
        )

    def untag(self, function_arn: str, keys: Sequence[str]) -> None:
        """See the port."""
        self._change(
            function_arn,
            lambda: self._client.untag_resource(Resource=function_arn, TagKeys=list(keys)),
        )

    def tagged(self, key: str) -> Mapping[str, str]:
        """See the port."""
        try:
            pages = self._tagging().get_paginator("get_resources")
            return {
                one["ResourceARN"]: tag["Value"]
                for page in pages.paginate(
                    TagFilters=[{"Key": key}], ResourceTypeFilters=["lambda:function"]
                )
                for one in page["ResourceTagMappingList"]
                for tag in one["Tags"]
                if tag["Key"] == key
            }
        except AWS_ERRORS as error:
            raise translate_lambda_error(error, f"functions with the tag {key}") from error

    def _change(self, what: str, call: Callable[[], _T]) -> _T:
        """The answer of a call, tried again while something else is being done to the same thing.

        Raises
        ------
        BusyError
            When it still is the last time.
        """
        with translate_lambda_errors(what):
            return self._retry.change(what, CONFLICT_CODES, call)

    def _read_mapping(self, uuid: str) -> Mapping[str, Any]:
        try:
            with translate_lambda_errors(uuid):
                answer = self._client.get_event_source_mapping(UUID=uuid)
        except FunctionNotFoundError as error:
            raise MappingNotFoundError(str(error)) from error
        if answer["State"] == _DELETING:
            raise MappingNotFoundError(f"{uuid}: the mapping is being deleted")
        return answer

    def _wait_until_settled(self, entry: Mapping[str, Any]) -> EventSourceMapping:
        """A mapping with its switch, waited for while it is being updated.

        `Updating` hides whether the mapping is enabled. One that stays so is called enabled, and
        changing: disabling it once too often can be seen and undone, while polling that goes on
        moves good messages to dead-letter queues; and nobody takes it for enabled already.
        """
        for attempt in range(1, self._retry.attempts):
            if entry["State"] != _UPDATING:
                break
            self._retry.pause(attempt)
            try:
                entry = self._read_mapping(entry["UUID"])
            except MappingNotFoundError:
                break  # the next step that touches it finds out for itself
        return EventSourceMapping(
            uuid=entry["UUID"],
            source_arn=entry.get("EventSourceArn", ""),
            enabled=entry["State"] not in DISABLED_STATES,
            function=_parse_function_name(entry),
            maximum_concurrency=entry.get("ScalingConfig", {}).get("MaximumConcurrency"),
            is_changing=entry["State"] == _UPDATING,
        )


def is_mapping_of(entry: Mapping[str, Any], function: str) -> bool:
    """Whether a mapping invokes the function, whatever version or alias, and is there to stay."""
    return _parse_function_name(entry) == function and entry["State"] != _DELETING


def _parse_function_name(mapping: Mapping[str, Any]) -> str:
    """The name of the function that a mapping invokes; empty where AWS leaves it out."""
    return "".join(mapping.get("FunctionArn", "").split(":")[_NAME_FIELD : _NAME_FIELD + 1])


def _parse_moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
