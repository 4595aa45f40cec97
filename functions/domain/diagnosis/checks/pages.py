"""The pages of the Lambda developer guide that the checks rest on."""

from typing import Final

_GUIDE: Final = "https://docs.aws.amazon.com/lambda/latest/dg"
# "Troubleshoot invocation issues in Lambda"
INVOCATION: Final = f"{_GUIDE}/troubleshooting-invocation.html"
# "Troubleshoot execution issues in Lambda"
EXECUTION: Final = f"{_GUIDE}/troubleshooting-execution.html"
TITLES: Final = {
    INVOCATION: "Troubleshoot invocation issues",
    EXECUTION: "Troubleshoot execution issues",
}
