"""The Pythons that the service runs on: the one of a dyno, and the newest that this machine has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import CREDIT_ROW, ROOT

PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
NEWER = ("3.12", "3.13", "3.14")
# glibc 2.28 to 2.34: older than that of any platform's image which has these Pythons.
PLATFORMS = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (34, 28, 27, 17, 12, 5)]

# Trains, and answers as `flask run` would.
TRY = """
import json, subprocess, sys
subprocess.run([sys.executable, "build_model.py", "--set", "n_estimators=10"], check=True)
from app import create_app
answer = create_app().test_client().post("/v0/predict", json=json.loads(sys.argv[1]))
print(answer.status_code)
"""


def test_a_dynos_python_has_wheels_of_all_packages(tmp_path: Path) -> None:
    # CI runs on the oldest Python, a dyno on the newest: nothing may have to be compiled there.
    version = (ROOT / ".python-version").read_text().strip()
    abis = [f"--abi={abi}" for abi in (f"cp{version.replace('.', '')}", "abi3", "none")]
    found = subprocess.run(
        [
            *(sys.executable, *PIP, "install", "--dry-run", "--no-deps", "--ignore-installed"),
            *("--only-binary=:all:", f"--target={tmp_path}", "--requirement=requirements.txt"),
            *(f"--python-version={version}", "--implementation=cp", *abis, *PLATFORMS),
            "--platform=any",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr


def newest_other_python() -> str | None:
    """Return the newest Python beside the one of the tests, or None."""
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = [f"python{version}" for version in reversed(NEWER) if version != this]
    found = subprocess.run(
        [ROOT / "bin/find_python", *names], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


@pytest.mark.skipif(os.environ.get("REQUIRE_ALL") != "1", reason="a minute: with REQUIRE_ALL=1")
def test_it_runs_on_another_python_too(tmp_path: Path) -> None:
    other = newest_other_python()
    if other is None:
        pytest.skip("this machine has no newer Python: pyenv install 3.14, or uv python install")
    python = tmp_path / "venv/bin/python"
    subprocess.run([other, "-m", "venv", tmp_path / "venv"], check=True)
    install = (*PIP, "install", "--only-binary=:all:", "--requirement=requirements.txt")
    subprocess.run([python, *install], cwd=ROOT, check=True, timeout=400)
    subprocess.run([python, *PIP, "check"], cwd=ROOT, check=True)
    tried = subprocess.run(
        [python, "-c", TRY, json.dumps(CREDIT_ROW)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "MODEL_STORE": str(tmp_path / "models"),
            "DATABASE_URL": f"sqlite:///{tmp_path}/mirante.db",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.splitlines()[-1] == "200"
