"""The context object that Lambda hands to a handler."""

from aws_lambda_powertools.utilities.typing import LambdaContext


def lambda_context(function: str) -> LambdaContext:
    """A context with what powertools' logger reads of it."""
    context = LambdaContext()
    context._function_name = function
    context._memory_limit_in_mb = 256
    context._invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    context._aws_request_id = "request"
    return context
