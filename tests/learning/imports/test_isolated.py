from __future__ import annotations

import os
import pickle
import re
import socket
import textwrap
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from errors import ModelFileError
from learning.imports import isolated
from learning.imports.example import Example, read_example
from learning.imports.imported import Imported
from learning.imports.isolated import Handed, import_handed, read_pickle
from tests.conftest import require


class Deed:
    """A pickle that does something when it is read."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        """Call what was given."""
        return self.call[0], self.call[1:]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    file = tmp_path / "row.json"
    file.write_text('{"height": 1.5, "count": 2}')
    return read_example(file, "answer")


def import_pickle(data: bytes, example: Example, target: str) -> Imported:
    handed = read_pickle(data, example, target)
    assert isinstance(handed, Handed)
    return import_handed(handed, example, target)


def saved(deed: Any) -> bytes:
    return pickle.dumps(deed)


def test_an_estimator_comes_out_of_the_other_process(tmp_path: Path, example: Example) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    fitted = LogisticRegression().fit(rows, rows[:, 0] > 0)
    joblib.dump(fitted, tmp_path / "model.joblib")
    made = import_pickle((tmp_path / "model.joblib").read_bytes(), example, "answer")
    assert made.schema.target.classes == (False, True)
    expected = fitted.predict_proba([[1.5, 2.0]])
    assert made.probabilities == pytest.approx(expected, abs=1e-6)


def told(folder: Path, example: Example, code: str) -> str:
    """Return what code says that runs as the pickle is read: it raises SystemExit with it."""
    with pytest.raises(ModelFileError) as caught:
        import_pickle(saved(Deed(exec, textwrap.dedent(code))), example, "y")
    return str(caught.value).removeprefix("the file cannot be taken in: ")


@pytest.fixture
def alone(tmp_path: Path, example: Example) -> None:
    """Only where the system gives namespaces: root, or a user who may make them."""
    seen = told(tmp_path, example, "import os; raise SystemExit(str(os.getpid()))")
    require(int(seen) < 10, "namespaces", "run as root, or allow user namespaces")


def test_it_has_no_secrets_of_the_environment(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "secret")
    code = "import os; raise SystemExit(' '.join(sorted(os.environ)))"
    assert "DATABASE_URL" not in told(tmp_path, example, code)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; raise SystemExit(str(os.path.exists({outside!r})))", "False"),
        ("import os; raise SystemExit(str(os.path.exists({root!r} + '/config.py')))", "False"),
        ("open({root!r} + '/learning/x', 'w')", "Read-only file system|Permission denied"),
        ("import os; os.kill({pid}, 0)", "No such process"),
        ("open('/proc/{pid}/environ').read()", "No such file"),
        ("open('/proc/1/environ').read()", "Permission denied"),
        ("import ctypes; raise SystemExit(str(ctypes.CDLL(None).ptrace(16, 1, 0, 0)))", "-1"),
        (
            "import socket; socket.create_connection(('127.0.0.1', {port}), 1)",
            "unreachable|refused",
        ),
        ("import ctypes; raise SystemExit(str(ctypes.CDLL(None).umount2(b'/proc', 2)))", "-1"),
        ("bytearray(64 << 30)", "MemoryError"),
        ("open('big', 'wb').truncate(64 << 30)", "File too large|it ended"),
    ],
)
def test_an_attack_comes_to_nothing(code: str, said: str, tmp_path: Path, example: Example) -> None:
    (tmp_path / "signing.pem").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        names = {
            "outside": str(tmp_path / "signing.pem"),
            "root": str(isolated.ROOT),
            "pid": os.getpid(),
            "port": server.getsockname()[1],
        }
        assert re.search(said, told(tmp_path, example, code.format(**names)))


@pytest.mark.usefixtures("alone")
def test_a_daemon_ends_with_the_import(tmp_path: Path, example: Example) -> None:
    mark = "7301.25"
    code = f"""
        import ctypes, os
        if not os.fork():
            ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
            os.setsid()
            os.execv("/usr/bin/sleep", ["sleep", "{mark}"])
        raise SystemExit("forked")
    """
    assert told(tmp_path, example, code) == "forked"
    lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert not any(mark.encode() in line for line in lines)


def test_a_forged_answer_is_audited_as_a_stranger_s(tmp_path: Path, example: Example) -> None:
    touched = tmp_path / "touched"
    forged = skops.io.dumps(Deed(Path.touch, touched))
    made = msgspec.msgpack.encode(isolated.Handed(forged, [[0.5, 0.5]], "namespaces"))
    code = f"import os; os.write(3, {made!r}); os._exit(0)"
    assert "types that are not trusted" in told(tmp_path, example, code)
    assert not touched.exists()
    assert "gave no answer" in told(tmp_path, example, "import os; os.write(3, b'x'); os._exit(0)")


def test_a_process_that_fails_is_one_line(tmp_path: Path, example: Example) -> None:
    with pytest.raises(ModelFileError, match=r"^the file cannot be taken in: it ended$"):
        import_pickle(saved(Deed(os._exit, 3)), example, "y")


def test_a_process_that_does_not_end_is_ended(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "TIME_LIMIT", 0.2)
    with pytest.raises(ModelFileError, match=r"longer than 0\.2 s"):
        import_pickle(saved(Deed(os.system, "sleep 5")), example, "y")
