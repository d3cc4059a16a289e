"""More than two classes: which are taken for which, and how far down the true one stands."""

from __future__ import annotations

from collections.abc import Sequence

from learning.quality import Confusion
from serving.pages.look import Look
from serving.pages.sections import Section, Table

# The true class among the first so many.
TOLD_RANK = 3
SHADES = 9


def confusion_section(look: Look) -> Section | None:
    """Return the confusion of the commonest classes, and each class's own figures."""
    quality, words = look.subject.quality, look.words
    if quality is None or quality.confusion is None:
        return None
    found = quality.confusion
    said = [words("right_says", **_facts(look, found))]
    if len(look.classes) > TOLD_RANK:
        said.append(words("among_says", **_facts(look, found)))
    worst = _worst(look, found)
    said += [worst] if worst else []
    tables = [_classes(look, found), _matrix(look, found)]
    return Section("confusion", words("confusion"), said, tables=tables)


def _facts(look: Look, found: Confusion) -> dict[str, str]:
    words, rows = look.words, max(1, sum(map(sum, found.counts)))
    first, among = found.ranks[0], sum(found.ranks[:TOLD_RANK])
    return {
        "share": words.percent(first / rows),
        "among": words.percent(among / rows),
        "rank": words.number(TOLD_RANK),
        "rows": words.number(rows),
    }


def _worst(look: Look, found: Confusion) -> str:
    """Return which class is most often taken for which other; nothing, where none is."""
    size = len(found.classes)
    pairs = [(found.counts[i][j], i, j) for i in range(size) for j in range(size) if i != j]
    count, true, predicted = max(pairs, key=lambda pair: (pair[0], -pair[1], -pair[2]))
    if not count:
        return look.words("never_confused")
    names = _names(look, found)
    total = sum(found.counts[true])
    facts = {"true": names[true], "predicted": names[predicted]}
    return look.words("confused_says", **facts, n=count, rows=look.words.number(total))


def _names(look: Look, found: Confusion) -> list[str]:
    return [look.classes[index] for index in found.classes]


def _has_others(found: Confusion) -> bool:
    return bool(sum(found.counts[-1]) or sum(row[-1] for row in found.counts))


def _classes(look: Look, found: Confusion) -> Table:
    """Return of each class how many rows it has, and what share is found and is right."""
    words, columns = look.words, [sum(column) for column in zip(*found.counts, strict=True)]
    rows, recalls = [], []
    for index, name in enumerate(_names(look, found)):
        right, total = found.counts[index][index], sum(found.counts[index])
        recalls.append(right / max(1, total))
        precision = words.percent(right / columns[index]) if columns[index] else "–"
        recall = words.percent(recalls[-1]) if total else "–"
        rows.append([name, words.number(total), recall, precision])
    head = [words("class"), words("rows"), words("recall"), words("precision")]
    return Table(words("classes_caption"), head, rows, frozenset({1, 2, 3}))


def _matrix(look: Look, found: Confusion) -> Table:
    words, names = look.words, _names(look, found)
    counts: Sequence[Sequence[int]] = found.counts
    if _has_others(found):
        names = [*names, words("others")]
    else:
        counts = [row[:-1] for row in counts[:-1]]
    rows = [[name, *map(words.number, row)] for name, row in zip(names, counts, strict=True)]
    shades = [[round(SHADES * count / max(1, sum(row))) for count in row] for row in counts]
    head = [words("true_predicted"), *names]
    figures = frozenset(range(1, len(head)))
    return Table(words("matrix_caption"), head, rows, figures, shades=shades)
