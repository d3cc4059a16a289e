"""A pickle of another scikit-learn, read in a throw-away environment of that version.

The environment is made by pip before the file is read; the process that reads it is shut in
as any that reads a pickle (`learning.imports.isolated`), and hands over an ONNX graph.
"""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from errors import EquivalenceError, ModelFileError
from learning.imports.example import Example
from learning.imports.imported import Imported
from learning.imports.isolated import HandedPlain, import_plain, read_pickle, run_on
from learning.imports.onnx import import_onnx
from learning.imports.recognition import check_version

# Seconds that pip may take.
INSTALLING = 600
TOLERANCE = 1e-4
WANTED = (
    "--with takes a version of scikit-learn, such as scikit-learn==1.2.2, or of skrub, such as "
    "skrub==0.11.0"
)
_SKRUB = re.compile(r"skrub==[0-9]{1,2}\.[0-9]{1,3}(?:\.[0-9]{1,3})?")
_WANTED = re.compile(r"scikit-learn==([0-9]{1,2})\.([0-9]{1,2})(?:\.[0-9]{1,2})?")


class Converted(msgspec.Struct):
    """What the process hands over: data, of which nothing is believed."""

    graph: str
    order: list[str]
    outputs: list[list[float]]
    confined: str


def import_with(wanted: str, data: bytes, example: Example, target: str) -> Imported:
    """Return the classifier of a pickle, converted by the scikit-learn that is wanted.

    Raises ModelFileError where that cannot be installed or does not convert the model, and
    EquivalenceError where the graph answers other than the model did.
    """
    if wanted.startswith("skrub"):
        return _with_skrub(wanted, data, example, target)
    packages = packages_of(wanted)
    with tempfile.TemporaryDirectory() as folder:
        # Where there are no namespaces, it is nobody who is to run what is in it.
        Path(folder).chmod(0o755)
        python = installed(Path(folder, "environment"), packages)
        found = converted_by(python, data, example)
    made = import_onnx(_graph(found), _ordered(example, found.order), target)
    expected = np.array(found.outputs[: len(made.rows)], np.float64)
    answered = np.array(made.probabilities)
    if answered.shape != expected.shape or not np.abs(answered - expected).max() <= TOLERANCE:
        raise EquivalenceError("the graph does not answer as the model did that it was made of")
    origin = {"imported_from": f"a pickle, by {wanted}", "read_in": found.confined}
    return made._replace(origin=origin)


def _with_skrub(wanted: str, data: bytes, example: Example, target: str) -> Imported:
    """Return a pipeline of skrub's, made over where that is: this scikit-learn, and skrub."""
    packages = packages_beside(wanted)
    check_version(data)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        python = installed(Path(folder, "environment"), packages)
        beside(python)
        handed = read_pickle(data, example, target, str(python))
    if not isinstance(handed, HandedPlain):
        raise ModelFileError("the pickle holds no pipeline of skrub; leave --with out")
    made = import_plain(handed, example, target)
    return made._replace(origin={**made.origin, "imported_from": f"a pickle, by {wanted}"})


def packages_beside(wanted: str) -> list[str]:
    """Return what is installed for a version of skrub. Raises ModelFileError."""
    if _SKRUB.fullmatch(wanted) is None:
        raise ModelFileError(WANTED)
    here = [f"{name}=={version(name)}" for name in ("scikit-learn", "numpy", "scipy")]
    return [wanted, "pandas", *here]


def beside(python: Path) -> None:
    """Let an environment also find what is installed here, behind what is its own."""
    own = sysconfig.get_path("purelib", vars={"base": str(python.parent.parent)})
    packages = [path for path in sys.path if "-packages" in path]
    Path(own, "mirante.pth").write_text("\n".join(packages) + "\n")


def packages_of(wanted: str) -> list[str]:
    """Return what is installed for a version of scikit-learn. Raises ModelFileError."""
    found = _WANTED.fullmatch(wanted)
    if found is None:
        raise ModelFileError(WANTED)
    # Wheels of before 1.5 were built for NumPy 1, and do not say that they need it.
    old = (int(found[1]), int(found[2])) < (1, 5)
    return [wanted, "skl2onnx", "joblib", *(["numpy<2", "pandas<2.3"] if old else ["pandas"])]


def installed(folder: Path, packages: list[str]) -> Path:
    """Make an environment of wheels alone, and return its Python. Raises ModelFileError."""
    python = folder / "bin" / "python"
    make = [sys.executable, "-m", "venv", str(folder)]
    pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *packages]
    for command in (make, [*map(str, pip)]):
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=INSTALLING, check=False, cwd=folder.parent
            )
        except (OSError, subprocess.TimeoutExpired):
            raise ModelFileError(f"{packages[0]} was not installed in {INSTALLING} s") from None
        if done.returncode:
            ours = ".".join(map(str, sys.version_info[:2]))
            raise ModelFileError(
                f"{packages[0]} cannot be installed for Python {ours} (before 1.2 there is no "
                f"wheel from 3.11 on); where it can: pip install {packages[0]} skl2onnx, save .onnx"
            )
    return python


def converted_by(python: Path, data: bytes, example: Example) -> Converted:
    """Return what `learning.imports.conversion` hands over. Raises ModelFileError."""
    names = [feature.name for feature in example.features]
    rows = [[_number(row[name], name) for name in names] for row in example.rows]
    task = msgspec.json.encode({"names": names, "rows": rows})
    answered = run_on(str(python), "learning.imports.conversion", data, task)
    try:
        return msgspec.json.decode(answered, type=Converted)
    except (msgspec.DecodeError, RecursionError):
        raise ModelFileError("the file cannot be taken in: its process gave no answer") from None


def _ordered(example: Example, order: list[str]) -> Example:
    """Return the example in the model's order of columns, as far as that names them."""
    named = {feature.name: feature for feature in example.features}
    if sorted(order) != sorted(named):
        raise ModelFileError("the file cannot be taken in: its process named other columns")
    return example._replace(features=tuple(named[name] for name in order))


def _number(value: object, name: str) -> float | None:
    if value is None or isinstance(value, bool | int | float):
        return None if value is None else float(value)
    raise ModelFileError(f"the example has text in {name}; --with takes models of numbers")


def _graph(found: Converted) -> bytes:
    try:
        return base64.b64decode(found.graph, validate=True)
    except binascii.Error:
        raise ModelFileError("the file cannot be taken in: its process gave no graph") from None
