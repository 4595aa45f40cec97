"""Names of a resource of any type."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.identity.forms import FORMS
from cdk_loopbreaker.templates.identity.identity import describe_other
from cdk_loopbreaker.templates.identity.plain import describe
from cdk_loopbreaker.templates.identity.special import SPECIAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_loopbreaker.templates.identity.identity import Identity, Subject

_NAMED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AWS::SQS::Queue": "QueueName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::S3::Bucket": "BucketName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::Events::Rule": "Name",
        "AWS::Scheduler::Schedule": "Name",
        "AWS::IAM::Role": "RoleName",
        "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
        **{kind: form.property for kind, form in FORMS.items() if form.property},
    }
)


def identify(subject: Subject) -> Identity:
    """What a resource is called. Types that nothing is known of have made names."""
    special = SPECIAL.get(subject.type)
    if special is not None:
        return special(subject)
    form = FORMS.get(subject.type)
    return describe_other(subject) if form is None else describe(subject, form)


def find_naming_property(kind: str) -> str:
    """The property that names a resource of a type; empty where none does."""
    return _NAMED_BY.get(kind, "")
