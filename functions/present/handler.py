"""The Lambda function behind the widgets of the dashboard. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.aws.runtime.observability import logger
from functions.domain.notices.markup import element
from functions.domain.page.document import write_fragment, write_widget
from functions.domain.page.widget_request import (
    DESCRIPTION,
    WidgetError,
    is_description,
    parse_widget_request,
    read_theme,
)
from functions.present.wiring import connect

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> str:
    """Answer a widget with HTML, or with its documentation in Markdown.

    What cannot be read is said on the page. Whatever else fails is logged, and said in a line: a
    widget shows the traceback of a function that fails.
    """
    if is_description(event):
        return DESCRIPTION
    try:
        asked = parse_widget_request(event)
        presentation = connect()
        page = presentation.reader.read({asked.view})
        buttons = presentation.make_buttons(context.aws_request_id, page.at)
        return write_widget(page, asked.view, asked.theme, buttons)
    except WidgetError as error:
        said = str(error)
    except Exception:  # noqa: BLE001 - the widget says so, and the log says why
        logger.exception("the page could not be made")
        said = (
            "The page could not be made: the log group /aws/lambda/Loopbreaker-present tells why."
            " What is held is held all the same: loopbreaker status lists it."
        )
    return write_fragment((element("p", said, class_="amber"),), read_theme(event))
