"""Progress: bars on a terminal, silence elsewhere."""

from __future__ import annotations

import io

from learning.progress import SilentProgress, TerminalProgress, progress_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_for_each_stage():
    terminal = Terminal()
    with progress_on(terminal) as progress:
        assert isinstance(progress, TerminalProgress)
        progress.stage("fit", 4)
        progress.advance(4)
        progress.note("one line")
        progress.stage("compile")
    written = terminal.getvalue()
    assert "4/4" in written
    assert "100%" in written
    assert "one line\n" in written
    assert "compile" in written
    assert written.endswith("\n")


def test_what_is_no_terminal_is_left_alone():
    stream = io.StringIO()
    with progress_on(stream) as progress:
        assert isinstance(progress, SilentProgress)
        progress.stage("fit", 4)
        progress.advance()
        progress.note("one line")
    assert stream.getvalue() == ""


def test_bars_end_when_the_run_fails():
    terminal = Terminal()
    try:
        with progress_on(terminal) as progress:
            progress.stage("fit", 4)
            raise ValueError
    except ValueError:
        pass
    assert terminal.getvalue().endswith("\n")
