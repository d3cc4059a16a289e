from __future__ import annotations

from jobs.messages import Advanced, Message, Noted, Staged
from jobs.training_progress import TrainingProgress


class Seconds:
    """A clock that goes on by two seconds at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += 2
        return self.now


def note_worker(*messages: Message) -> list[float]:
    meter = TrainingProgress()
    fractions = []
    for message in messages:
        meter.receive(message)
        fractions.append(meter.fraction)
    return fractions


def test_the_fraction_grows_with_stages_and_steps() -> None:
    fractions = note_worker(
        Staged("read"), Staged("fit", 10), Advanced(5), Advanced(10), Staged("evaluate")
    )
    assert fractions[0] == 0
    assert fractions == [*sorted(set(fractions[:4])), fractions[3]]


def test_the_fraction_never_falls_and_is_never_whole() -> None:
    names = ["read", "fit", "choose", "fit", "evaluate", "compile", "compare", "register", "read"]
    fractions = note_worker(*(Staged(name, 1) for name in names), Advanced(1), Advanced(7))
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


def test_a_stage_that_nobody_knows_adds_nothing() -> None:
    assert (
        note_worker(Staged("read"), Staged("brood", 2), Advanced(2), Advanced(1))
        == [0.0] + [note_worker(Staged("read"), Staged("fit"))[1]] * 3
    )


def test_the_log_has_the_notes_and_how_long_each_stage_took() -> None:
    meter = TrainingProgress(Seconds())
    for message in (Staged("read"), Noted("column id looks like an identifier"), Staged("fit")):
        meter.receive(message)
    assert meter.new_lines() == ["column id looks like an identifier", "read took 2.0 s"]
    assert meter.new_lines() == []


def test_the_log_is_bounded() -> None:
    meter = TrainingProgress()
    for number in range(2 * TrainingProgress.MAX_LINES):
        meter.receive(Noted(f"line {number}"))
    lines = meter.new_lines()
    assert len(lines) == TrainingProgress.MAX_LINES
    assert lines[-1] == "(the log ends here: it has grown too long)"
