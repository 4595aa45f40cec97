"""The context object that Lambda hands to a handler."""

from aws_lambda_powertools.utilities.typing import LambdaContext


class _Context(LambdaContext):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """As at the beginning of a run that may take 15 minutes."""
        return 900_000


def lambda_context(function: str) -> LambdaContext:
    """A context with what powertools' logger reads of it."""
    context = _Context()
    context._function_name = function
    context._memory_limit_in_mb = 256
    context._invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    context._aws_request_id = "request"
    return context
