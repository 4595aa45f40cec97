"""Names of the resource types that a table can tell: one name, one ARN, a few attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.identity.identity import Identity

if TYPE_CHECKING:
    from cdk_loopbreaker.templates.identity.identity import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the names of a type look, as format strings.

    ``{name}`` is the physical name, ``{arn}`` the ARN, ``{place}`` Region and account of the ARN,
    ``{partition}``, ``{region}``, ``{account}``, ``{suffix}`` (the domain of AWS's services).

    Attributes
    ----------
    property
        What names the resource; empty where AWS gives it an id.
    arn
        What follows ``arn:``; empty for types without one.
    attributes
        Pairs of attribute and value.
    most
        Most characters of a made name.
    id_length
        How long the id is that AWS gives it, where nothing names it.
    """

    property: str = ""
    arn: str = ""
    ref: str = "{name}"
    attributes: tuple[tuple[str, str], ...] = ()
    most: int = 64
    id_length: int = 0


def describe(subject: Subject, form: Form) -> Identity:
    """The names of a resource, by the form of its type."""
    if form.property:
        name = subject.read_name(form.property, form.most)
    elif form.id_length:
        name = subject.make_letters(form.id_length).lower()
    else:
        name = subject.make_name(form.most)
    stack = subject.stack
    fields = {
        "name": name,
        "partition": stack.partition,
        "region": stack.region,
        "account": stack.account,
        "suffix": stack.url_suffix,
        "place": f"{stack.region}:{stack.account}",
    }
    arn = f"arn:{form.arn.format(**fields)}" if form.arn else ""
    fields["arn"] = arn
    return Identity(
        name=name,
        ref=form.ref.format(**fields),
        arn=arn,
        attributes={key: text.format(**fields) for key, text in form.attributes},
    )
