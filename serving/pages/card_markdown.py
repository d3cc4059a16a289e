"""The model card as Markdown, for a repository: words and tables; pictures as their sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from persistence.artifact import Artifact
from serving.pages.card import card_of
from serving.pages.features import Told
from serving.pages.language import Catalogue
from serving.pages.sections import Section, Table

# What would be markup anywhere (CommonMark 0.31, and the tables and links of GitHub's).
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
# And what would be only as the first of a line, or as the beginning of an address.
_FIRST = re.compile(r"^([-+=#:]|\d{1,9}(?=[.)](\s|$)))")
_ADDRESS = re.compile(r"(:)(?=//)|(?<=www)(\.)|(@)", re.IGNORECASE)


def card_markdown(artifact: Artifact, words: Catalogue) -> str:
    """Return the card as Markdown. Raises ArtifactDamaged."""
    card = card_of(artifact, words)
    parts = [
        f"# {escaped(card.title)}",
        *map(escaped, card.said),
        f"## {escaped(words('card_facts'))}",
        _table(card.facts),
        *_list(words("card_notes"), card.notes),
        f"## {escaped(words('card_quality'))}",
        escaped(words("card_pictures")),
        *(part for section in card.quality for part in _section(section)),
        f"## {escaped(words('card_data'))}",
        *map(escaped, card.data),
        *(part for feature in card.features for part in _feature(feature)),
    ]
    if card.more:
        parts.append(escaped(words("card_more_features", n=card.more)))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return a text in one line that Markdown shows as it is."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    line = _ADDRESS.sub(lambda found: "\\" + found[0], line)
    return _FIRST.sub(lambda found: _first(found[0]), line)


def _first(found: str) -> str:
    # A number is no list where what follows it is escaped, which stands behind it.
    return f"&#{ord(found[0])};{found[1:]}" if found[0].isdigit() else f"\\{found}"


def _section(section: Section) -> Iterator[str]:
    yield f"### {escaped(section.title)}"
    yield from map(escaped, section.said)
    for picture in section.pictures:
        yield f"**{escaped(picture.title)}.** {escaped(picture.said)}"
    yield from map(_table, (*section.tables, *section.more))


def _feature(feature: Told) -> Iterator[str]:
    yield f"### {escaped(feature.name)}"
    yield escaped(" · ".join((feature.kind, *feature.facts)))
    if feature.table:
        yield _table(feature.table)


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"## {escaped(title)}"
        yield "\n".join(f"- {escaped(line)}" for line in lines)


def _table(table: Table) -> str:
    marks = ["--:" if index in table.figures else "---" for index in range(len(table.head))]
    lines = [_line(map(escaped, table.head)), _line(marks)]
    return "\n".join([*lines, *(_line(map(escaped, row)) for row in table.rows)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
