"""What lists leave out of a function's configuration, for the few that are looked at closely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import translate_lambda_errors
from functions.domain.diagnosis.collection.details import FunctionDetails

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

IAM_ACTIONS: Final = frozenset({"lambda:GetFunctionConfiguration", "lambda:ListAliases"})


class DetailsReader:
    """GetFunctionConfiguration and ListAliases, of the 15 calls a second of Lambda's control plane.

    Parameters
    ----------
    wait
        Returns when the next call may go out.
    """

    def __init__(self, client: LambdaClient, wait: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._wait = wait

    def of(self, function: str, qualifier: str = "") -> FunctionDetails:
        """The configuration of a function, or of one of its versions or aliases.

        Raises
        ------
        FunctionNotFoundError, RefusedError, BusyError
            As Lambda's control plane answers.
        """
        self._wait()
        with translate_lambda_errors(function):
            answer = (
                self._client.get_function_configuration(FunctionName=function, Qualifier=qualifier)
                if qualifier
                else self._client.get_function_configuration(FunctionName=function)
            )
        return FunctionDetails(
            architecture=next(iter(answer.get("Architectures", ())), "x86_64"),
            description=answer.get("Description", ""),
            memory_mb=answer.get("MemorySize", 128),
            timeout_seconds=answer.get("Timeout", 3),
            tracing_mode=answer.get("TracingConfig", {}).get("Mode", "PassThrough"),
            system_log_level=answer.get("LoggingConfig", {}).get("SystemLogLevel", ""),
            layers=tuple(one["Arn"] for one in answer.get("Layers", ())),
            version=answer.get("Version", "$LATEST"),
        )

    def read_aliases(self, function: str) -> tuple[str, ...]:
        """The names of a function's aliases, of the first page: fifty, or fewer (ListAliases).

        Raises
        ------
        FunctionNotFoundError, RefusedError, BusyError
            As Lambda's control plane answers.
        """
        self._wait()
        with translate_lambda_errors(function):
            answer = self._client.list_aliases(FunctionName=function)
        return tuple(one["Name"] for one in answer.get("Aliases", ()))
