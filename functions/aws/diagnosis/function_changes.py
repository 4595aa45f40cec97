"""The changes that remedies make, by Lambda's control plane and IAM.

Every change looks small on purpose: one setting of UpdateFunctionConfiguration at a time (what a
request leaves out stays as it is: Lambda API, *UpdateFunctionConfiguration*), one inline policy
under a name of our own, one statement of a resource policy.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import (
    AWS_ERRORS,
    CONFLICT_CODES,
    get_code,
    get_message,
    is_passing,
    translate_lambda_errors,
)
from functions.aws.runtime.retry import CHANGES
from functions.domain.diagnosis.ports import Configuration
from functions.domain.diagnosis.remedy import PREFIX
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from functions.domain.iam.raw_statements import list_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient

    from functions.aws.runtime.retry import Retry
    from functions.domain.diagnosis.remedy import AddPermission
    from functions.domain.iam.raw_statements import RawStatement

_CONFIGURE: Final = frozenset(
    {"lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration"}
)
_GRANT: Final = frozenset({"iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"})
# What each kind of remedy needs, by the name under which the operator allows it.
IAM_ACTIONS_BY_REMEDY: Final[Mapping[str, frozenset[str]]] = {
    "logs": _CONFIGURE | _GRANT,
    # The rights that tracing needs are never granted: X-Ray knows no resources to narrow them to.
    "traces": _CONFIGURE,
    "permissions": frozenset(
        {
            "lambda:AddPermission",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "lambda:RemovePermission",
        }
    ),
    "memory": _CONFIGURE,
}
IAM_ACTIONS: Final = frozenset[str]().union(*IAM_ACTIONS_BY_REMEDY.values())

_MISSING_ROLE: Final = "NoSuchEntity"
# Somebody changed the role or its policies in the same moment (IAM API, *PutRolePolicy*).
_IAM_CONFLICTS: Final = frozenset({"ConcurrentModification", "ConcurrentModificationException"})
_UPDATING: Final = "InProgress"
_FAILED: Final = "Failed"
_PENDING: Final = "Pending"


class AwsFunctionChanges:
    """The port `Repairs`."""

    def __init__(
        self, lambda_client: LambdaClient, iam_client: IAMClient, *, retry: Retry = CHANGES
    ) -> None:
        self._lambda = lambda_client
        self._iam = iam_client
        self._retry = retry

    def read_configuration(self, function: str) -> Configuration:
        """See the port."""
        return _parse_configuration(self._wait_until_settled(function))

    def set_memory(self, function: str, memory_mb: int) -> None:
        """See the port."""
        self._update(function, MemorySize=memory_mb)

    def set_tracing(self, function: str, mode: str) -> None:
        """See the port."""
        self._update(function, TracingConfig={"Mode": mode})

    def set_description(self, function: str, description: str) -> None:
        """See the port."""
        self._update(function, Description=description)

    def inline_policy(self, role: str, policy_name: str) -> str | None:
        """See the port. IAM answers documents URL-encoded, which botocore undoes by itself.

        botocore decodes the document and parses it into an object; what is no JSON it leaves as
        the decoded text.
        """
        try:
            with iam_errors(role):
                answer: Any = self._iam.get_role_policy(RoleName=role, PolicyName=policy_name)
        except FunctionNotFoundError:
            return None
        document = answer["PolicyDocument"]
        return unquote(document) if isinstance(document, str) else json.dumps(document)

    def put_inline_policy(self, role: str, policy_name: str, document: str) -> None:
        """See the port. A name of somebody else's is refused here, whoever asks."""
        _require_own(policy_name)
        with iam_errors(role):
            self._retry.change(
                role,
                _IAM_CONFLICTS,
                lambda: self._iam.put_role_policy(
                    RoleName=role, PolicyName=policy_name, PolicyDocument=document
                ),
            )

    def delete_inline_policy(self, role: str, policy_name: str) -> None:
        """See the port. A name of somebody else's is refused here, whoever asks."""
        _require_own(policy_name)
        try:
            with iam_errors(role):
                self._retry.change(
                    role,
                    _IAM_CONFLICTS,
                    lambda: self._iam.delete_role_policy(RoleName=role, PolicyName=policy_name),
                )
        except FunctionNotFoundError:
            return

    def read_permission(self, function: str, qualifier: str, statement_id: str) -> str | None:
        """See the port."""
        try:
            with translate_lambda_errors(function):
                answer = self._lambda.get_policy(
                    FunctionName=function, **_build_qualifier(qualifier)
                )
        except FunctionNotFoundError:
            # AWS says the same of a function without a policy and of one that is gone.
            with translate_lambda_errors(function):
                self._lambda.get_function_configuration(FunctionName=function)
            return None
        for statement in _read_statements(answer.get("Policy", "")):
            if statement.get("Sid") == statement_id:
                return json.dumps(statement)
        return None

    def add_permission(self, permission: AddPermission) -> None:
        """See the port. Who is admitted is never everybody: that is refused here, whoever asks."""
        if permission.principal in {"", "*"}:
            raise RefusedError(f"{permission.function}: a permission needs a principal")
        request: dict[str, Any] = {
            "FunctionName": permission.function,
            "StatementId": permission.statement_id,
            "Action": permission.action,
            "Principal": permission.principal,
            **_build_qualifier(permission.qualifier),
        }
        if permission.source_arn:
            request["SourceArn"] = permission.source_arn
        if permission.source_account:
            request["SourceAccount"] = permission.source_account
        # ResourceConflictException says here that the statement is there already, which no later
        # attempt changes: it is not tried again.
        with translate_lambda_errors(permission.function):
            try:
                self._lambda.add_permission(**request)
            except ClientError as error:
                if get_code(error) == "ResourceConflictException":
                    raise RefusedError(f"{permission.function}: {get_message(error)}") from error
                raise

    def remove_permission(self, function: str, qualifier: str, statement_id: str) -> None:
        """See the port."""
        try:
            with translate_lambda_errors(function):
                self._lambda.remove_permission(
                    FunctionName=function, StatementId=statement_id, **_build_qualifier(qualifier)
                )
        except FunctionNotFoundError:
            return

    def _update(self, function: str, **setting: Any) -> None:
        with translate_lambda_errors(function):
            self._retry.change(
                function,
                CONFLICT_CODES,
                lambda: self._lambda.update_function_configuration(
                    FunctionName=function, **setting
                ),
            )
        settled = self._wait_until_settled(function)
        if settled.get("LastUpdateStatus") == _FAILED:
            why = settled.get("LastUpdateStatusReason", "AWS gives no reason")
            raise RefusedError(f"{function}: the update failed: {why}")

    def _wait_until_settled(self, function: str) -> Mapping[str, Any]:
        """The configuration once no update is under way."""
        for attempt in range(self._retry.attempts):
            if attempt:
                self._retry.pause(attempt)
            with translate_lambda_errors(function):
                answer = self._lambda.get_function_configuration(FunctionName=function)
            if answer.get("LastUpdateStatus") != _UPDATING and answer.get("State") != _PENDING:
                return answer
        raise BusyError(f"{function}: an update is still under way")


def _parse_configuration(answer: Mapping[str, Any]) -> Configuration:
    return Configuration(
        memory_mb=answer["MemorySize"],
        tracing_mode=answer.get("TracingConfig", {}).get("Mode", "PassThrough"),
        description=answer.get("Description", ""),
    )


@contextmanager
def iam_errors(role: str) -> Iterator[None]:
    """Raise the domain's error for any error of IAM inside.

    Raises
    ------
    FunctionNotFoundError
        When the role, or its policy, does not exist.
    BusyError
        When AWS keeps throttling or conflicting.
    RefusedError
        For everything else.
    """
    try:
        yield
    except AWS_ERRORS as error:
        words = f"role {role}: {get_message(error)}"
        if not isinstance(error, ClientError):
            raise BusyError(words) from error
        if get_code(error) == _MISSING_ROLE:
            raise FunctionNotFoundError(words) from error
        if is_passing(error) or get_code(error) in _IAM_CONFLICTS:
            raise BusyError(words) from error
        raise RefusedError(words) from error


def _require_own(policy_name: str) -> None:
    if not policy_name.startswith(PREFIX):
        raise RefusedError(f"policy {policy_name}: only names with {PREFIX} are the guard's")


def _build_qualifier(qualifier: str) -> dict[str, str]:
    return {"Qualifier": qualifier} if qualifier else {}


def _read_statements(policy: str) -> tuple[RawStatement, ...]:
    try:
        return list_statements(policy)
    except ValueError:
        return ()
