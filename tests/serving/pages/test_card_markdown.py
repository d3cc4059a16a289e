"""The model card as Markdown: a renderer finds the same words in it, and none is markup."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from serving.pages.card_markdown import card_markdown, escaped
from serving.pages.language import CATALOGUES
from tests.serving.pages.harmless import Reader
from tests.serving.pages.versions_made import HOSTILE, artifact

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]
TAGS = {"h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "ul", "li"}


def rendered(text: str) -> str:
    made: str = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return made


@pytest.mark.parametrize(
    "text",
    [
        *(" ".join(text.split())[:200] for text in HOSTILE),
        "+ a",
        "= b",
        "> c",
        "12) d",
        "a | b | c",
        "`code",
        "<!-- x",
        "&lt;",
        "\\",
        "![i](u)",
        "[l]: u",
        "---",
        "***",
        "~~~",
    ],
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    html = rendered(f"{escaped(text)}\n")
    reader = Reader()
    reader.feed(html)
    assert reader.tags == {"p"}
    plain = re.sub(r"<[^>]*>", "", html).strip()
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, letter)
    assert plain == text


@pytest.mark.parametrize(
    "address", ["http://a.example", "https://b", "www.c.example", "d@e.example"]
)
def test_addresses_are_no_links(address: str) -> None:
    assert re.search(r"\\[:.@]", escaped(address))
    assert rendered(escaped(address)).strip() == f"<p>{address}</p>"


@pytest.mark.parametrize("kind", ["two", "many", "quantity", "hostile"])
@pytest.mark.parametrize("words", [EN, PT], ids=["en", "pt"])
def test_a_card_renders_to_headings_sentences_and_whole_tables(kind: str, words) -> None:
    text = card_markdown(artifact(kind), words)
    html = rendered(text)
    reader = Reader()
    reader.feed(html)
    assert reader.tags <= TAGS, reader.tags - TAGS
    assert not [name for name, _ in reader.attributes if name not in ("style", "scope")]
    assert len(text) < 100_000
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert html.count("<tr>") == len(rows) - html.count("<table>")
    for before, line in pairwise(rows):
        if line.startswith("| ---") or before.startswith("| ---"):
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", before))


def test_a_card_has_the_numbers_of_the_version() -> None:
    text = card_markdown(artifact("two"), EN)
    assert f"{artifact('two').document('metrics.json')['roc_auc']:.3f}" in text
    assert text.startswith("# Model card: two\n")
    assert "### age" in text


def test_a_formula_of_a_hosted_repository_is_none_either() -> None:
    assert escaped("$i$") == r"\$i\$"
