"""What a pattern with wildcards means, said in another way."""

import re


def oracle(pattern: str, text: str) -> bool:
    """Match by a regular expression: right, and slow where a pattern is hostile."""
    translated = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(translated, text, re.DOTALL) is not None
