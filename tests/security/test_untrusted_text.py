"""Words of documents, people and machines: on pages, in logs and in a terminal they are words and nothing else."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.table import Table

from db.catalog import ExperimentFacts, LogEntry
from flows.columns import one_line as terminal_line
from flows.terminal import PlainConsole
from tasks.digest_parts import beginning, escaped
from tasks.site.prose import Links, in_line, to_html
from templates import render
from templates.render import at_the_beginning, cell, in_code, one_line

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
PIECES = st.lists(
    st.sampled_from([
        "<script>", "<b onload=x>", "</td>", "<!--", "-->", "<?", "<![CDATA[", "<javascript:x>", "[", "]", "(", ")",
        "!", "javascript:alert(1)", "https://a.b", "data:text/html,x", "[x]: ", "`", "``", "```", "\\", "|", "*", "_",
        "#", " ", "> ", "- ", "1. ", "===", "---", "\n", "\r", "\t", "\x1b[2J", "\x9b2J", "\u202e", "{{ 7 * 7 }}",
        "{% raw %}", "a", "&lt;", "&#106;", "$", "~~~", "+ ", "<a title='`'>", "\u2028", "\0", '"',
    ]),
    max_size=12,
).map("".join)  # fmt: skip
ATTACKS = (
    r"\`` a ` <script> `", r"[x\](javascript:alert(1))", r"a \\| b", "`<b>` <b>", "[a](&#106;avascript:alert(1))",
    "![x](https://tracker)", "<!-- ", "[x]: javascript:alert(1)", "``` ", "[a]( javascript:x)", "[a](<javascript:x>)",
)  # fmt: skip


def everything(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *everything(token.children or []))]


def assert_only_words(markdown: str) -> None:
    for token in everything(MARKDOWN.parse(markdown)):
        assert token.type not in ("html_block", "html_inline", "image"), markdown
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(("https://", "http://")), markdown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", markdown)


@given(PIECES)
@example(ATTACKS[0])
@example(ATTACKS[1])
@settings(max_examples=300, deadline=None)
def test_a_line_holds_words(text: str) -> None:
    assert_only_words("Because " + one_line(text))


@given(PIECES, PIECES)
@settings(max_examples=200, deadline=None)
def test_two_texts_of_one_paragraph_do_no_more_together(one: str, other: str) -> None:
    assert_only_words(f"- **S1** {one_line(one)}\n  *Holds: {one_line(other)}*\n")


@pytest.mark.parametrize("text", ATTACKS)
def test_known_ways_out_are_closed(text: str) -> None:
    assert_only_words("Because " + one_line(text))
    assert_only_words(at_the_beginning(text))
    assert len(cells_of(f"| a | {cell(text)} | c |")) == 3


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_no_block_begins_in_the_log(text: str) -> None:
    page = render("log_entry.md.j2", heading="## now", text=text) + "\nAfter [x].\n"
    assert_only_words(page)
    blocks = [token.type for token in MARKDOWN.parse(page) if token.level == 0 and token.nesting >= 0]
    assert blocks in (["heading_open", "paragraph_open", "paragraph_open"], ["heading_open", "paragraph_open"], [
        "heading_open", "inline", "paragraph_open", "inline", "paragraph_open", "inline",
    ]), page  # fmt: skip


def cells_of(row: str) -> list[str]:
    tokens = MARKDOWN.parse(f"| x | y | z |\n|---|---|---|\n{row}\n| last | | |\n")
    assert [token.type for token in tokens].count("table_open") == 1
    assert tokens[-1].type == "table_close", "the table goes on to its last row"
    rows = [index for index, token in enumerate(tokens) if token.type == "tr_open"]
    assert len(rows) == 3
    return [token.content for token in tokens[rows[1] : rows[2]] if token.type == "inline"]


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_a_row_keeps_its_cells(text: str) -> None:
    assert cells_of(f"| first | {cell(text)} | third |")[::2] == ["first", "third"]
    assert cells_of(f"| first | `{in_code(text)}` | third |")[::2] == ["first", "third"]


@given(PIECES)
@settings(max_examples=200, deadline=None)
def test_a_digest_and_a_page_hold_words(text: str) -> None:
    assert_only_words("x " + escaped(text))
    shown = [str(in_line(text)), str(to_html(text, 2, Links(Path("/a"), Path("/b"), {})))]
    for html in shown:
        assert not re.search(r"<(?:script|b|img|iframe|object|style|/td)\b", html)
        assert not re.search(r"(?:href|src)\s*=\s*[\"']?\s*(?!https?://)[a-z]+:", html, re.IGNORECASE)


@given(PIECES)
@example("> 80 %")
@example("1. 2. 3")
@settings(max_examples=200, deadline=None)
def test_no_block_begins_in_a_list_of_a_digest(text: str) -> None:
    tokens = MARKDOWN.parse(f"- first\n- {beginning(text)}\n- last\n")
    blocks = [token.type for token in tokens if token.nesting > 0 and token.type != "paragraph_open"]
    assert blocks == ["bullet_list_open", *["list_item_open"] * 3]
    assert {token.type for token in tokens if token.nesting == 0} == {"inline"}


@pytest.mark.parametrize("link", ["javascript:x", "//elsewhere/x", "\tjavascript:x", "data:x"])
def test_a_link_to_elsewhere_than_the_web_is_words(link: str) -> None:
    to_html("[x](http://[) <https://a]b>", 2, Links(Path("/a"), Path("/b"), {}))  # no link at all, and no end of us
    assert "<a" not in str(to_html(f"[x]({link}) <{link}>", 2, Links(Path("/a"), Path("/b"), {})))


@given(PIECES)
@settings(max_examples=200, deadline=None)
def test_a_terminal_obeys_nobody_else(text: str) -> None:
    console = PlainConsole(file=io.StringIO(), width=200, force_terminal=False)
    table = Table(title=text + "[/red][link=https://x]")
    table.add_column(text)
    table.add_row(text, "[/nothing]")
    console.print(table)
    console.print(text, "[/red]")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[/red]" in shown
    for line in (shown, terminal_line(text)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)


def test_a_log_begins_with_the_title_as_words(tmp_path: Path) -> None:
    from tasks.report import write_log

    moment = datetime(2026, 11, 22, tzinfo=UTC)
    title = "A <img src=x> [b](javascript:x)"
    facts = ExperimentFacts(
        stem="101-x", number="101", title=title, sha256="0" * 64, fidelity="specified", registered_at=moment,
        registration_commit=None, registration_dirty=False, commit=None, dirty=False, started_at=moment,
        executor="local", profile="full",
    )  # fmt: skip
    entry = LogEntry(1, moment, "fault", "run: lost: \x1b[2J<!-- \n# PROCEED\n[x](javascript:alert(1))", {})
    write_log(tmp_path / "log.md", facts, [entry])
    assert_only_words((tmp_path / "log.md").read_text())
