"""The site in a real browser: silent, asks nobody, filtered, walked by keyboard, legible in the dark and on a phone."""

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Tab, find_chromium, open_tab
from PIL import Image

from db.engine import open_catalog
from proposals.workspace import find_workspace
from tasks.site import write_site

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks/ is not installed
from benchmarks.catalog_filler import fill

PROGRAM = find_chromium()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium: on Debian, `apt-get install chromium`"),
]
TAB, ENTER = ("Tab", 9), ("Enter", 13)
PROPOSALS = 60

# each element that has words of its own: its colour and the first background behind it that is no glass
COLOURS = """
[...document.querySelectorAll("body *")].filter((one) => {
  const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return own && one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && !one.matches("title, option");
}).map((one) => {
  let behind = one, glass = "rgba(0, 0, 0, 0)";
  while (behind && getComputedStyle(behind).backgroundColor === glass) behind = behind.parentElement;
  const style = getComputedStyle(one), drawn = one.namespaceURI.endsWith("svg");
  return [one.textContent.trim().slice(0, 40), drawn ? style.fill : style.color,
          getComputedStyle(behind ?? document.documentElement).backgroundColor];
})
"""
SHOWN = "[...document.querySelectorAll('#rows tr')].map((row) => row.cells[0].textContent.trim())"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    (root / "proposals").mkdir()
    (root / "research-log").mkdir()
    words = (
        "---\ntitle: Update\ndate: 2026-02-15\n---\n" + "a `very_long_word_" + "x" * 300 + "`\n\n|a|b|\n|-|-|\n|1|2|\n"
    )
    (root / "research-log" / "2026-02-15.md").write_text(words)
    fill(root / "db" / "catalog.sqlite", PROPOSALS)
    write_site(find_workspace(root, str(root / "db" / "catalog.sqlite")), root / "site", newest=PROPOSALS)
    return root / "site"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert PROGRAM is not None
    with open_tab(PROGRAM, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser: Tab) -> Iterator[Tab]:
    yield browser
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def pages(site: Path) -> list[str]:
    """One of each kind; of the proposals one with curves, one overruled, one under way."""
    names = ("index", "overview", "log", "log/2026-02-15")
    proposals = sorted(path for path in (site / "proposals").glob("*.html"))
    told = {path: path.read_text() for path in proposals}
    chosen = [next(path for path in proposals if word in told[path]) for word in ("Learning curves", "under way")]
    return [(site / f"{name}.html").as_uri() for name in names] + [path.as_uri() for path in chosen]


def scheme(tab: Tab, name: str) -> None:
    tab.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": name}])


def phone(tab: Tab, width: int = 360) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=2, mobile=True)


def contrast(first: str, second: str) -> float:
    """Ratio of relative luminances, by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_no_page_complains_or_asks_anybody(site: Path, tab: Tab) -> None:
    for page in pages(site):
        tab.go(page)
        assert tab.complaints() == [], page
        assert tab.requested(), page
        assert [url for url in tab.requested() if not url.startswith(site.as_uri())] == [], page


def test_the_filter_finds_by_text_verdict_and_trick(site: Path, tab: Tab) -> None:
    with open_catalog(site.parent / "db" / "catalog.sqlite", read_only=True) as opened:
        connection: Any = opened.engine.raw_connection()
        verdicts = dict(connection.execute("SELECT number, verdict FROM verdicts WHERE stands").fetchall())
        tricks = connection.execute("SELECT substr(stem, 1, 5), trick FROM based_on").fetchall()
        connection.close()
    index = (site / "index.html").as_uri()
    tab.go(index)
    everything = tab.ask(SHOWN)
    assert len(everything) == PROPOSALS
    assert tab.ask("document.getElementById('filter').checkVisibility()")

    tab.ask("document.getElementById('text').focus()")
    tab.call("Input.insertText", text="idea NUMBER 42")
    assert tab.ask(SHOWN) == ["00042"]
    assert tab.ask("document.getElementById('found').textContent") == f"1 of {PROPOSALS}"
    assert tab.ask("location.hash") == "#text=idea+NUMBER+42"

    trick = tricks[0][1]
    for asked, wanted in (
        ({"state": "ABANDON"}, {number for number, verdict in verdicts.items() if verdict == "ABANDON"}),
        ({"state": "under way"}, set(everything) - set(verdicts)),
        ({"trick": trick}, {number for number, one in tricks if one == trick}),
        ({"text": trick}, {number for number, one in tricks if one == trick}),
        ({"text": "nothing is called so"}, set()),
    ):
        tab.go(f"{index}#{'&'.join(f'{name}={value}' for name, value in asked.items())}")
        found = tab.ask(SHOWN)
        assert set(found) == wanted, asked
        assert found == [number for number in everything if number in wanted]
        assert all(row["text"] and row["state"] for row in _rows(tab))
    tab.ask("document.querySelector('#filter button').click()")
    tab.ask("new Promise((done) => setTimeout(done, 50))")
    assert tab.ask(SHOWN) == everything
    assert tab.complaints() == []


def _rows(tab: Tab) -> list[dict[str, str]]:
    """What a row shows: its verdict's word, and the shape before it."""
    found: list[dict[str, str]] = tab.ask(
        """[...document.querySelectorAll('#rows .state')].map((one) =>
           ({text: one.textContent, state: getComputedStyle(one, '::before').content}))"""
    )
    return found


def test_a_filtered_row_is_the_written_row(site: Path, tab: Tab) -> None:
    tab.go((site / "index.html").as_uri())
    links = "[...document.querySelectorAll('#rows a')].map((link) => link.href)"
    cells = "[...document.querySelectorAll('#rows tr')].map((row) => [...row.cells].map((cell) => cell.innerText))"
    written, leading = tab.ask(cells), tab.ask(links)
    tab.go((site / "index.html").as_uri() + "#text=idea")
    assert tab.ask(cells) == written
    assert tab.ask(links) == leading


def test_without_scripts_there_is_the_table(site: Path, tab: Tab) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.go((site / "index.html").as_uri())
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(tab.ask(SHOWN)) == PROPOSALS
    assert not tab.ask("document.getElementById('filter').checkVisibility()")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(site: Path, tab: Tab) -> None:
    tab.go((site / "index.html").as_uri())
    tab.press(*TAB)
    assert tab.ask("document.activeElement.className") == "skip"
    assert tab.ask("document.activeElement.getBoundingClientRect().top") >= 0
    tab.press(*ENTER)
    assert tab.ask("document.activeElement.id") == "main"
    met = []
    for _ in range(5):
        tab.press(*TAB)
        met.append(tab.ask("document.activeElement.id || document.activeElement.tagName"))
        assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid", met
        named = "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
        assert tab.ask(named), met
    assert met == ["text", "state", "trick", "BUTTON", "A"]
    tab.press(*ENTER)
    until = "document.readyState === 'complete' && location.pathname.includes('/proposals/')"
    assert tab.ask(f"new Promise((done) => setTimeout(() => done({until}), 500))")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_all_words_stand_out_from_their_ground(site: Path, tab: Tab, name: str) -> None:
    scheme(tab, name)
    for page in pages(site):
        tab.go(page)
        found = tab.ask(COLOURS)
        assert len(found) > 5
        assert [(words, ink, ground) for words, ink, ground in found if contrast(ink, ground) < 4.5] == [], page
        ground = tab.ask("getComputedStyle(document.documentElement).backgroundColor")
        assert (contrast(ground, "rgb(0, 0, 0)") < 2) == (name == "dark")


def test_nothing_is_wider_than_a_phone(site: Path, tab: Tab) -> None:
    phone(tab)
    for page in pages(site):
        tab.go(page)
        assert tab.ask("document.documentElement.scrollWidth") <= 360, page
        assert tab.ask("innerWidth") == 360, page


def test_charts_keep_their_letters_legible_on_a_phone(site: Path, tab: Tab) -> None:
    phone(tab)
    for page in pages(site):
        tab.go(page)
        sizes = tab.ask("[...document.querySelectorAll('svg text')].map((one) => one.getBoundingClientRect().height)")
        assert all(size >= 9 for size in sizes), (page, min(sizes))


def test_on_paper_there_is_no_navigation(site: Path, tab: Tab) -> None:
    tab.call("Emulation.setEmulatedMedia", media="print", features=[])
    tab.go((site / "index.html").as_uri())
    assert not tab.ask("document.querySelector('header nav').checkVisibility()")
    assert not tab.ask("document.getElementById('filter').checkVisibility()")
    assert tab.ask("document.getElementById('rows').checkVisibility()")


def test_pictures_in_the_dark_and_on_a_phone(site: Path, tab: Tab, tmp_path: Path) -> None:
    shades = {}
    for name in ("light", "dark"):
        scheme(tab, name)
        phone(tab)
        tab.go(pages(site)[4])
        picture = tmp_path / f"{name}.png"
        picture.write_bytes(base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"]))
        with Image.open(picture) as image:
            assert image.size == (720, 1480)
            grey = image.convert("L")
            assert len(set(grey.tobytes())) > 50  # letters and lines, no blank page
            shades[name] = sum(grey.tobytes()) / len(grey.tobytes())
    assert shades["dark"] < 70 < 200 < shades["light"]
