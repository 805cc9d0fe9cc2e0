"""The pages as the docs show them: `python -m benchmarks.site_picture --workspace FOLDER --proposal 101`.

Writes the site of that workspace into a temporary folder and takes docs/site-index.png and docs/site-proposal.png. The
catalog is copied first, so that one in use is left in peace, and migrated in its copy. Needs chromium on the PATH.
"""

import argparse
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from db.engine import open_catalog
from proposals.reading import find_proposal, stem_of
from proposals.workspace import find_workspace
from tasks.site import write_site

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 1100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", help="folder with proposals/ and db/catalog.sqlite; else this repository")
    parser.add_argument("--proposal", default="101", help="whose page is shown")
    parser.add_argument("--heights", type=int, nargs=2, default=(1000, 2560), help="of the two pictures, in pixels")
    options = parser.parse_args()
    place = find_workspace(options.workspace, None)
    stem = stem_of(find_proposal(place.proposals, options.proposal))
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "catalog.sqlite"
        original = f"file:{place.root}/db/catalog.sqlite?mode=ro"
        with closing(sqlite3.connect(original, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        open_catalog(copy).close()
        site = write_site(find_workspace(place.root, str(copy)), Path(scratch) / "site", newest=200)
        for name, page, height in (
            ("site-index.png", "index.html", options.heights[0]),
            ("site-proposal.png", f"proposals/{stem}.html", options.heights[1]),
        ):
            take(site.root / page, DOCS / name, height, Path(scratch) / "profile")


def take(page: Path, picture: Path, height: int, profile: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no chromium found: on Debian, `apt-get install chromium`")
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--no-first-run", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            f"--user-data-dir={profile}", f"--window-size={WIDTH},{height}", f"--screenshot={picture}", page.as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    print(f"wrote {picture}")


if __name__ == "__main__":
    main()
