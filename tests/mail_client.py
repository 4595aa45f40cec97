"""Mails as a mail client on a phone shows them: plain text that it wraps, in headless Chromium.

``python -m tests.mail_client FOLDER [NAME...]`` takes pictures of the samples of the notices, all
or those that are named. Chromium is Debian's package ``chromium``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.notices.notice import Notice

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
PHONE_WIDTH: Final = 390
PHONE_HEIGHT: Final = 844
# The bar of the mail client with its buttons.
_BAR: Final = 56
_STYLE: Final = f"""
* {{ margin: 0; box-sizing: border-box; }}
body {{ background: #fff; color: #1b1b1f; font: 16px/1.35 "Roboto", "DejaVu Sans", sans-serif; }}
.phone {{ width: {PHONE_WIDTH}px; min-height: {PHONE_HEIGHT}px; overflow: hidden; }}
.bar {{ height: {_BAR}px; padding: 16px; color: #5f6368; }}
h1 {{ font-size: 19px; font-weight: 500; line-height: 1.25; padding: 4px 16px 8px; }}
.from {{ padding: 0 16px 12px; font-size: 13px; color: #5f6368; }}
pre {{ padding: 0 16px 16px; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }}
"""
# Where each line of the text begins and ends, in pixels from the top of the screen.
_MEASURE: Final = """
addEventListener("load", () => {
  const measured = [...document.querySelectorAll(".phone")].map((phone) => {
    const top = phone.getBoundingClientRect().top;
    const text = phone.querySelector("pre").firstChild;
    const lines = [];
    let at = 0;
    for (const line of text.data.split("\\n")) {
      const range = document.createRange();
      range.setStart(text, at);
      range.setEnd(text, at + line.length);
      const box = range.getBoundingClientRect();
      if (line) lines.push({ text: line, top: box.top - top, bottom: box.bottom - top });
      at += line.length + 1;
    }
    return { name: phone.id, scrolled: phone.scrollWidth, lines };
  });
  document.body.textContent = JSON.stringify(measured);
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """A line of a mail with its place on the screen, in pixels from the top."""

    text: str
    top: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMail:
    """A mail as the client shows it. `width` is how wide its content is."""

    lines: tuple[ShownLine, ...]
    width: int

    @property
    def first_screen(self) -> tuple[str, ...]:
        """The lines that are seen whole before anybody scrolls."""
        return tuple(one.text for one in self.lines if one.bottom <= PHONE_HEIGHT)


def measure_mails(notices: Mapping[str, Notice]) -> dict[str, ShownMail]:
    """Let the client lay the mails out, and measure where each line is."""
    phones = "".join(_render_phone(name, one) for name, one in notices.items())
    dumped = _run(_render_page(phones, _MEASURE), "--dump-dom")
    found = re.search(r"<body>(.*)</body>", dumped, re.DOTALL)
    if found is None:
        raise AssertionError(dumped)
    return {
        one["name"]: ShownMail(
            lines=tuple(ShownLine(**line) for line in one["lines"]), width=one["scrolled"]
        )
        for one in json.loads(unescape(found[1]))
    }


def take_picture(notice: Notice, file: Path) -> None:
    """Take a picture of the first screen of a mail."""
    page = _render_page(_render_phone("mail", notice))
    size = f"--window-size={PHONE_WIDTH},{PHONE_HEIGHT}"
    _run(page, size, "--hide-scrollbars", f"--screenshot={file.resolve()}")


def _render_page(phones: str, script: str = "") -> str:
    return (
        f'<!DOCTYPE html><meta charset="utf-8"><title>Mail</title><style>{_STYLE}</style>'
        f"<script>{script}</script><body>{phones}</body>"
    )


def _render_phone(name: str, notice: Notice) -> str:
    return (
        f'<div class="phone" id="{escape(name)}"><div class="bar">&#8592;</div>'
        f"<h1>{escape(notice.subject)}</h1>"
        '<div class="from">Loopbreaker &lt;no-reply@sns.amazonaws.com&gt;</div>'
        f"<pre>{escape(notice.body)}</pre></div>"
    )


def _run(page: str, *options: str) -> str:
    """Open a page in a browser of its own, and answer what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mail.html"
        file.write_text(page)
        command = [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
            *options,
            file.as_uri(),
        ]
        # A busy machine may take long; what hangs for ever is no answer.
        return subprocess.run(  # noqa: S603 (a fixed program on a page of this module)
            command, check=True, capture_output=True, text=True, timeout=600
        ).stdout


def main() -> None:
    """Take the pictures that the command line asks for."""
    from tests.unit.domain.notices.samples.mails import (  # noqa: PLC0415 (only needed here)
        SAMPLES,
    )

    folder, *names = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or SAMPLES:
        take_picture(SAMPLES[name](), Path(folder) / f"{name}.png")


if __name__ == "__main__":
    main()
