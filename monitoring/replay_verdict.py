"""The rule by which a replay counts for promotion, and what a replay says in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from errors import MiranteError
from monitoring.replay import Contestant, Found, Replays
from persistence.promotion import Verdict
from policy import Promotion

# With fewer rows whose truth is known, and which neither has learnt, the hold-out decides alone.
FEWEST_ROWS = 200
RULE = (
    f"a replay counts from {FEWEST_ROWS} rows on whose truth is known and from which neither "
    "has learnt; it keeps a challenger from the champion's place when its loss on them is "
    "greater for certain (95 % interval above 0)"
)
MOST_SLICES = 3


def counts(found: Found) -> bool:
    """Tell whether enough rows came true for a replay to count."""
    return found.comparison is not None and found.comparison.rows >= FEWEST_ROWS


def forbids(found: Found) -> bool:
    """Tell whether a challenger lost more on what came true than chance explains."""
    return counts(found) and found.comparison is not None and found.comparison.interval[0] > 0


def weigh(
    verdict: Verdict, rule: Promotion, replays: Replays | None, name: str, challenger: Contestant
) -> Verdict:
    """Return a verdict after a replay, which only `if_better` over a champion asks for.

    A replay that cannot be made leaves it as it is, and the reason says why.
    """
    if replays is None or rule != "if_better" or verdict.champion is None:
        return verdict
    try:
        found = replays.of(name, challenger)
    except MiranteError as error:
        return verdict.noting(f"not replayed: {error}")
    good = verdict.good and not forbids(found)
    said = "; ".join(in_words(found))
    return verdict.noting(said)._replace(good=good, replay=told(found))


def told(found: Found) -> dict[str, Any]:
    """Return a replay as it is told, JSON-ready, with whether it counts, and the rule."""
    verdict = {"counts": counts(found), "worse": forbids(found), "rule": RULE}
    return {**found.document(), **verdict, "said": in_words(found)}


def in_words(found: Found) -> list[str]:
    """Return what a replay found, a sentence each."""
    if not found.rows:
        return [_nothing(found)]
    return [_changes(found), *_slices(found), *_lacking(found), _truth(found)]


def _nothing(found: Found) -> str:
    if found.skipped:
        return (
            f"the replay cannot be made: {found.skipped:,} rows are logged without "
            f"{', '.join(found.fields)} (left out or hashed), which the two models read"
        )
    return "the replay cannot be made: no rows are logged"


def _changes(found: Found) -> str:
    return (
        f"{found.changed:,} of {found.rows:,} answers change ({found.changed / found.rows:.1%}); "
        f"answers are {found.difference['mean']:.3g} apart on average, "
        f"{found.difference['largest']:.3g} at most"
    )


def _slices(found: Found) -> Iterator[str]:
    for each in found.slices[:MOST_SLICES]:
        yield (
            f"most where {each.feature} is {each.value}: {each.mean_difference:.3g} on average, "
            f"{each.changed:,} of {each.rows:,} change"
        )


def _lacking(found: Found) -> Iterator[str]:
    if found.skipped:
        yield (
            f"{found.skipped:,} more rows are logged without {', '.join(found.fields)}, "
            "and were not replayed"
        )


def _truth(found: Found) -> str:
    learnt = f", beside {found.learnt:,} that one of the two has learnt" if found.learnt else ""
    if found.comparison is None:
        return f"of no row the truth is known{learnt}: the hold-out decides alone"
    both = found.comparison
    losses = (
        f"{found.loss_name} {both.challenger_loss:.4f} against {both.champion_loss:.4f} on "
        f"{both.rows:,} replayed rows whose truth is known{learnt}"
    )
    if not counts(found):
        return f"{losses}: fewer than {FEWEST_ROWS}, so that the hold-out decides alone"
    low, high = both.interval
    verdict = "worse" if low > 0 else "better" if high < 0 else "about the same"
    return f"{losses}: {verdict} ({low:+.2g} to {high:+.2g})"
