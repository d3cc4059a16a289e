"""Every word of the pages stands in the catalogues, and none is there that no page says."""

from __future__ import annotations

import re
from pathlib import Path

import serving.pages
from serving.pages.words_en import WORDS

ROOM = Path(serving.pages.__file__).parent
TEMPLATES = {path.name: path.read_text() for path in (ROOM / "templates").glob("*.html")}
# Names and signs that are no language's words.
NAMES = {"Mirante", "· Mirante"}
SAID = ("aria-label", "title", "alt", "placeholder")


def text_of(template: str) -> list[str]:
    """Return what a template says by itself: outside of its expressions, comments and tags."""
    # What a macro says inside of a tag.
    template = re.sub(r"\{% macro described.*?endmacro %\}", "", template)
    # Commands are the same in every language.
    template = re.sub(r"<pre[^>]*><code>.*?</code></pre>", "", template, flags=re.DOTALL)
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\0", template, flags=re.DOTALL)
    attributes = re.findall(rf'\b(?:{"|".join(SAID)})="([^"]*)"', bare)
    pieces = re.split(r"<[^>]*>|\0", bare)
    return [piece.strip() for piece in (*attributes, *pieces) if re.search(r"[^\W\d_]", piece)]


def test_no_template_has_a_word_of_its_own():
    found = {name: [t for t in text_of(html) if t not in NAMES] for name, html in TEMPLATES.items()}
    assert {name: words for name, words in found.items() if words} == {}


def test_every_word_is_said_somewhere():
    code = "\n".join([*TEMPLATES.values(), *(p.read_text() for p in ROOM.glob("*.py"))])
    code = code.replace(Path(serving.pages.__file__).parent.joinpath("words_en.py").read_text(), "")
    code = code.replace((ROOM / "words_pt.py").read_text(), "")
    starts = set(re.findall(r"""["'f]([a-z_]+_)(?:\{|["'] ~)""", code))
    unsaid = [
        key
        for key in WORDS
        if not re.search(rf"""["']{key}["']""", code)
        and not any(key.startswith(start) for start in starts)
    ]
    assert unsaid == []


def test_every_word_that_is_asked_for_is_there():
    asked = set(re.findall(r"\bt\('(\w+)'(?! ~)", "\n".join(TEMPLATES.values())))
    for path in ROOM.glob("*.py"):
        asked |= set(re.findall(r'\bwords\("(\w+)"', path.read_text()))
    assert asked - WORDS.keys() == set()
