"""What machine and which versions a run was made with."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.environments import ENVIRONMENTS

NAMED = {
    None: (
        *("gunicorn", "uvicorn", "uvloop", "msgspec", "onnxruntime", "scikit-learn", "numpy"),
        *("grpcio", "protobuf"),
    ),
    "fastapi_onnx": ("fastapi", "pydantic", "uvicorn", "onnxruntime"),
    "sklearn": ("flask", "gunicorn", "fastapi", "pandas", "scikit-learn"),
    "mlflow": ("mlflow", "uvicorn", "pandas", "scikit-learn"),
    "bentoml": ("bentoml", "uvicorn", "pandas", "scikit-learn"),
    "mlserver": ("mlserver", "uvicorn", "fastapi", "pandas", "scikit-learn"),
}


def describe(command: Sequence[str], environments: Sequence[str | None]) -> str:
    """Return, in a few lines of markdown, how and where a run was made."""
    shown = " ".join(command)
    lines = [
        f"`{shown}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, on {os.cpu_count()} cores of "
        f"{processor()} with {memory_gigabytes():.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, wrk {wrk_version()}; "
        f"load average at the start {os.getloadavg()[0]:.1f}.",
        "",
        *(_versions_line(name) for name in environments),
    ]
    return "\n".join(lines) + "\n"


def _versions_line(environment: str | None) -> str:
    found = versions(environment, NAMED[environment])
    return f"- {environment or 'mirante'}: {', '.join(found)}"


def versions(environment: str | None, names: Sequence[str]) -> list[str]:
    """Return `name version` of each library in an environment."""
    if environment is None:
        return [f"{name} {_own_version(name)}" for name in names]
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        return ["not installed"]
    code = "import sys; from importlib.metadata import version as v; "
    code += "print(*(f'{n} {v(n)}' for n in sys.argv[1:]), sep='\\n')"
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if not done.returncode else ["versions unknown"]


def _own_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gigabytes() -> float:
    """Return the machine's memory in units of a thousand million bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def wrk_version() -> str:
    """Return wrk's version as it prints it."""
    done = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).split()[1]
