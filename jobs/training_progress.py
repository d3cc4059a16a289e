"""How far a training is, reckoned by its worker from what the child process tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from jobs.messages import Advanced, Message, Noted, Staged


class TrainingProgress:
    """The stage, the fraction done and the new log lines."""

    # What each stage takes of a whole run, about; a stage not listed here adds nothing.
    SHARES: ClassVar[dict[str, int]] = {
        "read": 8,
        "choose": 30,
        "fit": 30,
        "evaluate": 15,
        "compile": 12,
        "compare": 3,
        "register": 2,
    }
    # Of a table that is scored.
    SCORING: ClassVar[dict[str, int]] = {"score": 98, "register": 2}
    MAX_LINES = 500

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.stage: str | None = None
        self.fraction = 0.0
        self._seen: set[str] = set()
        self._total: int | None = None
        self._lines: list[str] = []
        self._count = 0

    def receive(self, message: Message) -> None:
        """Take one message in."""
        match message:
            case Staged(name=name, total=total):
                self._begin(name, total)
            case Advanced(done=done) if self._total and self.stage is not None:
                within = min(done / self._total, 1.0) * self._shares.get(self.stage, 0)
                self._raise_to(self._before() + within)
            case Noted(text=text):
                self._add(text)

    def new_lines(self) -> list[str]:
        """Return the log lines since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def _begin(self, name: str, total: int | None) -> None:
        now = self._clock()
        if self.stage is not None:
            self._add(f"{self.stage} took {now - self._began:.1f} s")
        self._began = now
        self.stage, self._total = name, total
        self._seen.add(name)
        self._raise_to(self._before())

    @property
    def _shares(self) -> dict[str, int]:
        return self.SCORING if "score" in self._seen else self.SHARES

    def _before(self) -> float:
        return sum(self._shares.get(name, 0) for name in self._seen - {self.stage})

    def _raise_to(self, share: float) -> None:
        # A stage may come twice; the fraction never falls.
        whole = sum(self._shares.values())
        if "choose" not in self._seen:  # there is only one estimator to choose from
            whole -= self._shares.get("choose", 0)
        self.fraction = max(self.fraction, min(share / whole, 0.99))

    def _add(self, text: str) -> None:
        self._count += 1
        if self._count < self.MAX_LINES:
            self._lines.append(text)
        elif self._count == self.MAX_LINES:
            self._lines.append("(the log ends here: it has grown too long)")
