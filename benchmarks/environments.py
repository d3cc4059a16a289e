"""Makes the environments that the other systems run in, each from its file in `systems/`.

`python -m benchmarks.environments locust` makes one and prints its folder of
programs. What is there already, and installed from the same file, is used again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
SYSTEMS = HERE / "systems"
ENVIRONMENTS = HERE / ".environments"
WORK = HERE / "work"
OWN = ROOT / ".venv" / "bin"

# Some of these pull in a hundred packages; a mirror that does not answer must not hold us forever.
INSTALL_SECONDS = 900


class Unavailable(Exception):
    """A system cannot be measured here; the text is the reason, in one line."""


def programs(name: str | None) -> Path:
    """Return the folder of an environment's programs, made if need be; None: this project's own.

    Raises Unavailable when it does not install.
    """
    if name is None:
        return OWN
    folder = ENVIRONMENTS / name
    wanted = (SYSTEMS / f"{name}.txt").read_text()
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        _install(folder, SYSTEMS / f"{name}.txt")
        stamp.write_text(wanted)
    return folder / "bin"


def _install(folder: Path, requirements: Path) -> None:
    print(f"making the environment {folder.name}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    # Without pip's notice of a newer pip, which would be taken for the reason of a failure.
    command = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary", ":all:"]
    try:
        done = subprocess.run(
            [*command, "-r", requirements],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"does not install within {INSTALL_SECONDS} s") from None
    if done.returncode:
        raise Unavailable(f"does not install: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gives no reason"


def main() -> None:
    """Make the environment that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(path.stem for path in SYSTEMS.glob("*.txt")))
    print(programs(parser.parse_args().name).relative_to(ROOT))


if __name__ == "__main__":
    main()
