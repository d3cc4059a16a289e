"""Markdown tables, and the file that the sections of a run are written into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.environments import HERE

RESULTS = HERE / "RESULTS.md"
TITLE = "# Benchmark results\n\nEvery figure was printed by the command above its table.\n"


class Reach(NamedTuple):
    """A goal: what was wanted at most or at least, and what came out."""

    what: str
    wanted: float
    measured: float | None
    at_most: bool = True

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The goal as a row of a table."""
        wanted = f"{'at most' if self.at_most else 'at least'} {self.wanted:g}"
        if self.measured is None:
            return self.what, wanted, "not measured", ""
        met = self.measured <= self.wanted if self.at_most else self.measured >= self.wanted
        return self.what, wanted, ratio(self.measured), "yes" if met else "**no**"


def reaches(goals: Sequence[Reach]) -> str:
    """Return the goals as a table."""
    return table(("goal", "wanted", "measured", "reached"), [goal.row for goal in goals])


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a markdown table, its first column to the left and the others to the right."""
    rule = ("---", *("---:" for _ in headings[1:]))
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *rows)) + "\n"


def ratio(value: float) -> str:
    """Return a ratio with three digits that mean something."""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds."""
    return f"{seconds * 1e3:,.2f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def megabytes(size: float) -> str:
    """Return bytes as megabytes of a million bytes."""
    return f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:.2f}"


def write_section(name: str, text: str, path: Path = RESULTS) -> None:
    """Put a section into the file in place of the one of that name, or at its end."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    whole = path.read_text() if path.exists() else TITLE
    before, found, rest = whole.partition(begin)
    after = rest.partition(end)[2] if found else ""
    path.write_text(f"{before.rstrip()}\n\n{begin}{text.strip()}\n{end}{after}")
