"""One look at a version: its subject, the version beside it, the words, and what was set."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from serving.pages.choices import Choices
from serving.pages.language import Catalogue
from serving.pages.names import shown
from serving.pages.subject import Subject


class Look(NamedTuple):
    """What sections are made of; `other` is the version that the subject is compared with.

    Where `still`, nothing can be set: it is for a file, not for a page.
    """

    subject: Subject
    words: Catalogue
    choices: Choices = Choices()
    other: Subject | None = None
    still: bool = False

    @property
    def classes(self) -> list[str]:
        """The classes as they are shown."""
        return [shown(key, 40) for key in self.subject.schema.target.keys]

    @property
    def target(self) -> str:
        """The target's name as it is shown."""
        return shown(self.subject.schema.target.name)

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The marks of this version and of the one beside it."""
        found = [("own", self.words("this_version"))]
        return found if self.other is None else [*found, ("other", self.words("other_version"))]

    def tick(self, value: float) -> str:
        """Return a value as it stands at an axis."""
        if 1e6 <= abs(value) < 1e10:
            return f"{self.plain(value / 1e6)} M"
        return self.plain(value)

    def plain(self, value: float, digits: int = 3) -> str:
        """Return a number with so many digits, whole ones with all of theirs."""
        whole = abs(value) >= 10 ** (digits - 1) and isfinite(value)
        return self.words.number(round(value) if whole else value, digits)

    def tick_share(self, share: float) -> str:
        """Return a share as it stands at an axis."""
        places = 0 if abs(share * 100 - round(share * 100)) < 1e-6 else 1
        return f"{self.words.fixed(100 * share, places)} %"

    def quantity(self, value: float) -> str:
        """Return a value of the target with its unit."""
        unit = self.subject.schema.target.unit
        number = self.plain(value, 4)
        return f"{number} {shown(unit, 20)}" if unit else number
