"""A results page as a picture: `python -m benchmarks.picture PAGE.md PICTURE.png`. Needs chromium on the PATH."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

STYLE = """
body { font: 15px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: white; margin: 28px 36px; width: 1080px }
h1 { font-size: 25px; margin: 0 0 12px }
h2 { font-size: 19px; border-bottom: 1px solid #d1d9e0; padding-bottom: 4px }
table { border-collapse: collapse; margin: 12px 0; font-size: 12.5px }
td, th { border: 1px solid #d1d9e0; padding: 4px 8px; text-align: left }
thead:not(:has(th:not(:empty))) { display: none }
code { background: #f2f4f7; font: 12px "DejaVu Sans Mono", monospace; padding: 1px 4px }
img { max-width: 760px; display: block }
li { margin: 2px 0 }
"""


def main() -> None:
    page, picture = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    height = sys.argv[3] if len(sys.argv) > 3 else "1500"
    body = MarkdownIt("commonmark").enable("table").render(page.read_text())
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no chromium found: on Debian, `apt-get install chromium`")
    with tempfile.TemporaryDirectory() as scratch:
        html = Path(scratch) / "page.html"
        html.write_text(
            f'<!doctype html><meta charset="utf-8"><base href="{page.parent.as_uri()}/"><style>{STYLE}</style>{body}'
        )
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--no-first-run", "--hide-scrollbars", f"--user-data-dir={scratch}/profile",
                f"--window-size=1160,{height}", "--force-device-scale-factor=1.25",
                f"--screenshot={picture}", html.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    print(f"wrote {picture}")


if __name__ == "__main__":
    main()
