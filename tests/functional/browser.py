"""Pages served on this machine only, for a browser without a screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium: Final = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
_SECONDS: Final = 300


def measure_pages(
    pages: Mapping[str, str], script: str, widths: Sequence[int], profile: Path
) -> list[dict[str, Any]]:
    """Show each page in frames of several widths, and measure it.

    Nothing but the pages is asked for, and the browser has nothing to complain about.

    Parameters
    ----------
    pages
        HTML by path.
    script
        A page that measures its frames once they are loaded, and writes that into its body as JSON.
        Frames of the same origin can be measured, though the pages themselves run no script.
    widths
        In pixels.
    profile
        An empty folder for the browser.

    Returns
    -------
    list of dict
        What the script measured: of each page in each width, in their order.
    """
    frames = "".join(
        f'<iframe src="{page}" style="width:{width}px;height:900px;border:0"></iframe>'
        for page in pages
        for width in widths
    )
    with serve({**pages, "/": script + frames}) as (home, asked):
        dumped = subprocess.run(  # noqa: S603 (a fixed program on a page of a test)
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                f"--user-data-dir={profile}",
                "--dump-dom",
                f"{home}/",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    assert "CONSOLE" not in dumped.stderr, dumped.stderr
    found = re.search(r"<body>(.*)</body>", dumped.stdout, re.DOTALL)
    assert found is not None
    measured: list[dict[str, Any]] = json.loads(unescape(found[1]))
    assert set(asked) - {"/favicon.ico"} == {"/", *pages}
    assert len(measured) == len(pages) * len(widths)
    return measured


@contextmanager
def serve(pages: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Serve pages on this machine only, and keep what is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
