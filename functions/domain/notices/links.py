"""Links to the console."""

from urllib.parse import quote


def build_function_link(function: str, region: str) -> str:
    """Link to the function's monitoring tab in the Lambda console."""
    return (
        f"{_find_console(region)}/lambda/home?region={quote(region, safe='')}"
        f"#/functions/{quote(function, safe='')}?tab=monitoring"
    )


def _find_console(region: str) -> str:
    place = quote(region, safe="")
    if region.startswith("cn-"):
        return f"https://{place}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{place}.console.amazonaws-us-gov.com"
    return f"https://{place}.console.aws.amazon.com"
