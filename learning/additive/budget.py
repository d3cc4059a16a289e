"""The seconds that a learner may take, and what it may take them with."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from learning.processors import threads_for


class Budget:
    """So many seconds from now on, shared by the fits that are still to come.

    `ended_one` says that a fit ended for want of them, and not by what it learnt.
    """

    def __init__(
        self, seconds: float, processors: int = 1, clock: Callable[[], float] = monotonic
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._processors = processors
        self.fits = 1
        self.ended_one = False

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return max(0.0, self._end - self._clock())

    def share(self, fits: int = 1) -> float:
        """Return when so many fits that begin now must end, by their part of what is left."""
        share = self.left * fits / max(fits, self.fits)
        self.fits -= fits
        return self._clock() + share

    def over(self, end: float) -> bool:
        """Tell whether that moment has come; the fit that asks ends then."""
        came = self._clock() >= end
        self.ended_one |= came
        return came

    def threads(self, numbers: int) -> int:
        """Return how many threads a fit to so many numbers may use."""
        return threads_for(numbers, self._processors)
