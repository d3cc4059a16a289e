"""The pages in Portuguese have the headings, commands and names of those in English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUFFIX = ".pt-BR.md"
ENGLISH = [
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").glob("*.md") if not p.name.endswith(SUFFIX)),
]
NAMES = [str(page.relative_to(ROOT)) for page in ENGLISH]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_TWICE = re.compile(r"``.*?``")
_COMMENT = re.compile(r"(^|\s+)#( .*)?$")
_LINK = re.compile(r"\]\(((?:docs/)?[a-z]+(?:\.pt-BR)?\.md)")


def translated(name: str) -> Path:
    """Return where the translation of a page is."""
    return ROOT / f"{name.removesuffix('.md')}{SUFFIX}"


def headings(text: str) -> list[int]:
    """Return the level of each heading, in order."""
    prose = _FENCE.sub("", text)
    return [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)]


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Return language and lines of each block of code; comments and drawings may be translated."""
    found = []
    for language, block in _FENCE.findall(text):
        if language:
            lines = [_COMMENT.sub("", line).rstrip() for line in block.splitlines()]
            found.append((language, [line for line in lines if line]))
    return found


def names(text: str) -> set[str]:
    """Return what stands between backticks outside of blocks."""
    prose = _TWICE.sub("", _FENCE.sub("", text))
    return {" ".join(name.split()) for name in _CODE.findall(prose)}


@pytest.mark.parametrize("name", NAMES)
def test_headings_are_the_same(name: str) -> None:
    assert headings(translated(name).read_text()) == headings((ROOT / name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_the_same(name: str) -> None:
    assert commands(translated(name).read_text()) == commands((ROOT / name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_settings_routes_and_options_are_the_same(name: str) -> None:
    ours, theirs = names(translated(name).read_text()), names((ROOT / name).read_text())
    assert ours == theirs, f"only one has {sorted(ours ^ theirs)}"


@pytest.mark.parametrize("name", NAMES)
def test_a_translation_leads_to_translations(name: str) -> None:
    links = _LINK.findall(translated(name).read_text())
    assert all(link.endswith(SUFFIX) for link in links if link != "README.md"), links


def test_the_first_page_leads_to_its_translation_and_back() -> None:
    assert "(README.pt-BR.md)" in (ROOT / "README.md").read_text().split("\n## ")[0]
    assert "(README.md)" in (ROOT / "README.pt-BR.md").read_text().split("\n## ")[0]
