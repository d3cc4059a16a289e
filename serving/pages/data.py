"""The page of a model's data: each feature in training, and what traffic and truth say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from serving.pages.about import about
from serving.pages.came_true import came_true_section
from serving.pages.features import Told, legend_of, told
from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.page import Page, Visit
from serving.pages.subject import subject_of
from serving.pages.traffic import Traffic, traffic_of
from serving.pages.verdict import verdict_section
from tables.schema import Feature

# So many features on a page.
PAGE_SIZE = 50
FIND, AT, DAYS = "find", "page", "days"
MOST_LETTERS = 200


class Part(NamedTuple):
    """The features of one page, their places among all, and the pages before and behind it."""

    features: Sequence[Feature]
    first: int
    all: int
    before: int
    after: int

    @property
    def last(self) -> int:
        """The place of the last one."""
        return self.first + len(self.features) - 1


def part_of(features: Sequence[Feature], find: str, page: int) -> Part:
    """Return the features of a page, of those that have a text in their names."""
    wanted = find.casefold()
    found = [f for f in features if wanted in f.name.casefold()] if wanted else list(features)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, page), pages)
    start = (page - 1) * PAGE_SIZE
    shown_ones = found[start : start + PAGE_SIZE]
    after = page + 1 if page < pages else 0
    return Part(shown_ones, start + 1 if found else 0, len(found), page - 1, after)


def features_told(look: Look, features: Sequence[Feature], traffic: Traffic) -> list[Told]:
    """Return what is told of some features."""
    kept, every = look.subject.histograms, look.subject.schema.features
    if kept is None or len(kept.features) != len(every):
        return [told(look, feature, None, traffic) for feature in features]
    by_name = {f.name: histogram for f, histogram in zip(every, kept.features, strict=True)}
    return [told(look, feature, by_name[feature.name], traffic) for feature in features]


def facts_of(look: Look) -> list[str]:
    """Return what is said of all features together."""
    words, subject = look.words, look.subject
    count = len(subject.schema.features)
    said = [words("data_says", n=count, rows=words.number(subject.training_rows))]
    if subject.schema.ignored:
        names = ", ".join(shown(name, 40) for name in subject.schema.ignored[:20])
        said.append(words("left_out", names=names))
    return said if subject.histograms else [*said, words("data_older")]


def _context(visit: Visit) -> dict[str, Any]:
    look = Look(subject_of(visit.live), visit.words)
    find = visit.query.get(FIND, "").strip()[:MOST_LETTERS]
    part = part_of(look.subject.schema.features, find, _page(visit.query))
    names = [feature.name for feature in part.features]
    traffic = traffic_of(look.subject, visit.place.watched, names)
    sections = [verdict_section(look, traffic), came_true_section(look, visit, traffic)]
    return {
        "about": about(visit),
        "facts": facts_of(look),
        "features": features_told(look, part.features, traffic),
        "marks": legend_of(look, traffic) if look.subject.histograms else [],
        "sections": [section for section in sections if section],
        "part": part,
        "find": find,
        "paged": len(look.subject.schema.features) > PAGE_SIZE,
    }


def _page(query: Mapping[str, str]) -> int:
    given = query.get(AT, "")
    return int(given[:6]) if given.isascii() and given.isdigit() else 1


PAGE = Page("/models/<name>/data", "data.html", _context, "data")
