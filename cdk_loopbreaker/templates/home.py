"""The account and Region of a stack, which nothing may tell: then a literal one may be the own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.model import MaybeList, MaybeMapping, MaybeText, mark_optional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_loopbreaker.templates.model import Value

# ARNs of what an event graph follows, and of roles.
_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:"
    r"(?P<service>lambda(?=:[^:]*:[^:]*:function:)|sqs|sns|dynamodb|kinesis|firehose|events|states"
    r"|logs|scheduler|iam(?=::[^:]*:role/)):"
    r"(?P<region>[a-z0-9*-]*):(?P<account>[0-9*]*):(?P<resource>[^\s\"',]*)"
)
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
# Policies weigh what they name by themselves: a denial of something else's is none of the own.
_POLICIES: Final = frozenset(
    {
        "AssumeRolePolicyDocument",
        "Policies",
        "Policy",
        "PolicyDocument",
        "ResourcePolicy",
        "Statement",
    }
)


def is_region(text: str) -> bool:
    """Whether a text has the form of a Region."""
    return _REGION.fullmatch(text) is not None


def is_account(text: str) -> bool:
    """Whether a text has the form of an account's id."""
    return _ACCOUNT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a stack is deployed. Of an environment-agnostic one both are stand-ins."""

    account: str
    region: str
    partition: str
    is_account_known: bool = True
    is_region_known: bool = True

    @property
    def is_known(self) -> bool:
        """Whether no stand-in is in it."""
        return self.is_account_known and self.is_region_known

    def adopt(self, text: str, note: Callable[[str], None] = lambda _arn: None) -> str:
        """A text in which ARNs of other accounts or Regions are own ones, where they may be.

        Parameters
        ----------
        note
            Is told each ARN that became an own one.
        """
        if self.is_known or "arn:" not in text:
            return text

        def replace(found: re.Match[str]) -> str:
            region, account, partition = found["region"], found["account"], found[0].split(":")[1]
            if not self.is_region_known:
                partition = self.partition
                region = self.region if is_region(region) else region
            if not self.is_account_known and is_account(account):
                account = self.account
            arn = f"arn:{partition}:{found['service']}:{region}:{account}:{found['resource']}"
            if arn != found[0]:
                note(arn)
            return arn

        return _ARN.sub(replace, text)

    def adopt_all(
        self, values: Mapping[str, Value], note: Callable[[str], None]
    ) -> dict[str, Value]:
        """Values in which ARNs are own ones, where they may be; policies stay as they are."""
        return {
            key: one if key in _POLICIES else self._adopt_value(one, note)
            for key, one in values.items()
        }

    def _adopt_value(self, value: Value, note: Callable[[str], None]) -> Value:
        adopted = self._adopt_content(value, note)
        if isinstance(value, MaybeText | MaybeList | MaybeMapping):
            return mark_optional(adopted, value.why)
        return adopted

    def _adopt_content(self, value: Value, note: Callable[[str], None]) -> Value:
        match value:
            case str():
                adopted = self.adopt(value, note)
                return value if adopted == value else adopted
            case dict():
                return self.adopt_all(value, note)
            case list():
                return [self._adopt_value(one, note) for one in value]
        return value
