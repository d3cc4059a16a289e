"""Names, categories and texts of a stranger's table, as they are shown: bounded, and in one line.

Marks that turn the direction of what follows are shown as their numbers: in a picture or an
option nothing would end them.
"""

from __future__ import annotations

import unicodedata

# So many letters of a name are shown.
MOST_LETTERS = 80
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shown(text: object, most: int = MOST_LETTERS) -> str:
    """Return a text as it is shown; of a longer one the first letters and a sign."""
    found = text if isinstance(text, str) else str(text)
    short = found if len(found) <= most else found[: most - 1] + "…"
    return "".join(map(_letter, short)).strip() or "⟨⟩"


def _letter(letter: str) -> str:
    if letter.isascii() and letter.isprintable():
        return letter
    if letter.isspace():
        return " "
    hidden = letter in _TURNING or unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co")
    return f"⟨{ord(letter):04X}⟩" if hidden else letter
