"""What is left of a name in code that a tool generates: no signs, and of letters not their case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count


def squash(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return re.sub(r"[\W_]+", "", name).casefold()


def stay_apart(names: Iterable[str]) -> bool:
    """Tell whether every name has letters or digits, and no two have the same."""
    squashed = [squash(name) for name in names]
    return all(squashed) and len(set(squashed)) == len(squashed)


def spell_apart(names: Iterable[str], prefix: str) -> dict[str, str]:
    """Return for each name a word of letters, digits and single underscores; no two look alike.

    One that begins with a digit gets the prefix, and one that another looks like a number.
    """
    spelled: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        word = re.sub(r"[\W_]+", "_", name).strip("_")
        first = word if word[:1].isalpha() else f"{prefix}_{word}"
        choices = (first if number == 1 else f"{first}_{number}" for number in count(1))
        spelled[name] = next(choice for choice in choices if squash(choice) not in taken)
        taken.add(squash(spelled[name]))
    return spelled
