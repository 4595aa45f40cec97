"""Takes the pictures of docs/dashboard.md: `python -m tests.functional.present.pictures`.

It needs Chromium, and shows the samples of the tests.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from functions.domain.page.document import write_file, write_widget
from functions.domain.page.overview import View
from functions.domain.page.style import Theme
from tests.functional.browser import serve
from tests.unit.domain.page.pages import BUTTONS, busy

PICTURES: Final = Path(__file__).resolve().parents[3] / "docs" / "pictures"
# The widgets as the stack lays them out.
_WALL: Final = """<!DOCTYPE html><meta charset="utf-8"><style>
body{{margin:0;padding:12px;background:#0f1b2a;color:#d5dbdb;font-family:sans-serif}}
.grid{{display:grid;grid-template-columns:2fr 1fr;gap:12px}}
.widget{{background:#121518;border:1px solid #39414a;border-radius:8px;overflow:hidden}}
.widget>p{{margin:0;padding:9px 16px;font-weight:600;font-size:14px}}
</style><div class="grid"><div class="widget"><p>Loopbreaker</p>{incidents}</div>
<div><div class="widget" style="margin-bottom:12px"><p>The guard itself</p>{health}</div>
<div class="widget"><p>The last 90 days</p>{history}</div></div></div>"""


def take(path: Path, html: str, width: int, height: int, scale: float) -> None:
    """Write a picture of a page."""
    with serve({"/": html}) as (home, _), tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 (a fixed program on a page of this module)
            [
                str(shutil.which("chromium")),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--force-device-scale-factor={scale:g}",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={path}",
                f"{home}/",
            ],
            check=True,
            capture_output=True,
        )


def main() -> None:
    """Take both pictures."""
    page = busy()
    read = {View.INCIDENTS: replace(page, history=None, health=None)}  # as the widget reads it
    widgets = {
        view.value: write_widget(read.get(view, page), view, Theme.DARK, BUTTONS) for view in View
    }
    take(PICTURES / "dashboard.png", _WALL.format(**widgets), 1600, 1150, 1)
    # A window of Chromium is no narrower than 500 pixels, so the phone is a frame.
    with serve({"/": write_file(page)}) as (home, _):
        frame = (
            '<!DOCTYPE html><body style="margin:0;background:#d3d8de;text-align:center">'
            f'<iframe src="{home}/" style="width:390px;height:1050px;border:0"></iframe>'
        )
        take(PICTURES / "dashboard-phone.png", frame, 500, 1050, 1.5)


if __name__ == "__main__":
    main()
