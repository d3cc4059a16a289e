from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import Unavailable, last_line, programs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SYSTEMS", "ENVIRONMENTS"):
        monkeypatch.setattr(environments, name, tmp_path)
    return tmp_path


def test_what_does_not_install_is_unavailable_with_pips_reason(folder: Path) -> None:
    # A path, so that no index is asked.
    (folder / "broken.txt").write_text(f"{folder / 'nowhere.whl'}\n")
    with pytest.raises(Unavailable, match=r"does not install: .*nowhere\.whl"):
        programs("broken")
    assert not (folder / "broken" / "installed.txt").exists()


def test_an_environment_is_made_again_only_for_another_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def install(target: Path, requirements: Path) -> None:
        target.mkdir(exist_ok=True)
        made.append(requirements.read_text())

    monkeypatch.setattr(environments, "_install", install)
    for wanted in ("one", "one", "two"):
        (folder / "some.txt").write_text(wanted)
        assert programs("some") == folder / "some" / "bin"
    assert made == ["one", "two"]


def test_the_last_line_is_one_that_says_something() -> None:
    assert last_line("first\n  second \n\n") == "second"
    assert last_line("\n") == "it gives no reason"
