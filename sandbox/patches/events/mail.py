"""SNS e-mail: delivered to the sandbox's SMTP server.

Subscriptions with the protocol ``email`` count as confirmed at once; on AWS a person has to
confirm each with the link in a first mail.
"""

from __future__ import annotations

import logging
import queue
import smtplib
import threading
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ministack.services import sns

from sandbox.patches.hooks import replace
from sandbox.settings import HOST, REGION

if TYPE_CHECKING:
    from sandbox.world import World

logger = logging.getLogger("sandbox.mail")

FROM = "no-reply@sns.amazonaws.com"
DEFAULT_NAME = "AWS Notifications"
DEFAULT_SUBJECT = "AWS Notification Message"
FOOTER = """

--
If you wish to stop receiving notifications from this topic, please click or visit the link below \
to unsubscribe:
{link}

Please do not reply directly to this email. If you have any questions or comments regarding this \
email, please contact us at https://aws.amazon.com/support
"""


def compose(
    topic: dict[str, Any], subscription: dict[str, Any], subject: str, text: str
) -> EmailMessage:
    """The mail that SNS would send for a notification."""
    name = (topic.get("attributes") or {}).get("DisplayName") or DEFAULT_NAME
    link = f"https://sns.{REGION}.amazonaws.com/unsubscribe.html?" + urlencode(
        {"SubscriptionArn": subscription["arn"], "Endpoint": subscription["endpoint"]}
    )
    mail = EmailMessage()
    mail["From"] = f"{name} <{FROM}>"
    mail["To"] = subscription["endpoint"]
    mail["Subject"] = subject or DEFAULT_SUBJECT
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=f"{REGION}.amazonses.com")
    mail.set_content(text + FOOTER.format(link=link))
    return mail


def apply(world: World) -> None:
    """Hand notifications for e-mail subscriptions to a thread that sends them."""
    outbox: queue.Queue[tuple[int, EmailMessage]] = queue.Queue()

    def fanout(  # noqa: PLR0917 - as the emulator calls it
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: dict[str, Any] | None = None,
        message_group_id: str = "",
        message_dedup_id: str = "",
    ) -> None:
        original(
            topic_arn,
            msg_id,
            message,
            subject,
            message_structure,
            message_attributes,
            message_group_id,
            message_dedup_id,
        )
        topic = sns._topic_by_arn_any_scope(topic_arn) or {}
        attributes = message_attributes or {}
        for subscription in list(topic.get("subscriptions") or []):
            protocol = subscription.get("protocol")
            if protocol not in ("email", "email-json") or not subscription.get("confirmed"):
                continue
            text = sns._resolve_message_for_protocol(message, message_structure, protocol)
            if not sns._matches_filter_policy(subscription, attributes, text):
                continue
            if protocol == "email-json":
                text = sns._build_envelope(topic_arn, msg_id, text, subject, attributes, False)  # noqa: FBT003
            outbox.put((world.work.begin(), compose(topic, subscription, subject, text)))

    original = replace(
        sns,
        "_fanout",
        fanout,
        (
            "topic_arn",
            "msg_id",
            "message",
            "subject",
            "message_structure",
            "message_attributes",
            "message_group_id",
            "message_dedup_id",
        ),
    )

    def send() -> None:
        while not world.stop.is_set():
            try:
                number, mail = outbox.get(timeout=1.0)
            except queue.Empty:
                continue
            try:
                with smtplib.SMTP(HOST, world.settings.smtp_port, timeout=10) as connection:
                    connection.send_message(mail)
            except OSError:
                logger.exception("cannot send the mail %s", mail["Subject"])
            finally:
                world.work.end(number)

    threading.Thread(target=send, name="sandbox-mail", daemon=True).start()
