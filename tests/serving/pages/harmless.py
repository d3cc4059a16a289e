"""Whether a page is as harmless as it was meant: no tag, attribute or address of a stranger's."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

from tests.serving.pages.versions_made import LONG

# What the templates themselves are made of.
WORDS = """
    html head meta title style link script body main div nav header h1 h2 h3 p a ul li section
    form input label select option button table caption thead tbody tr th td bdi span figure
    figcaption svg rect line polyline path circle text details summary
"""
TAGS = frozenset(WORDS.split())
TURNING = {"RLO", "LRO", "RLE", "LRE", "PDF", "LRI", "RLI", "FSI", "PDI"}


class Reader(HTMLParser):
    """Gathers what a browser would take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in a tag."""
        self.tags.add(tag)
        self.attributes += attrs


def assert_harmless(page: str, most: int) -> None:
    """Fail for markup that no template has, marks that turn, names without bounds, a large page."""
    reader = Reader()
    reader.feed(page)
    assert reader.tags <= TAGS, reader.tags - TAGS
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert "style" not in names
    hrefs = [value or "" for name, value in reader.attributes if name in ("href", "src", "action")]
    assert all(value.startswith(("/", "?", "#", "data:")) for value in hrefs), hrefs
    assert not {letter for letter in page if unicodedata.bidirectional(letter) in TURNING}
    assert LONG not in page
    assert "{{7*7}}" in page or "49" not in page.split("<main")[0]
    assert len(page.encode()) < most
