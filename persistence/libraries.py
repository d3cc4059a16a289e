"""Library versions: is what is installed fit for what an artifact was made with?

Versions are read from the packages' metadata; no library is imported, because
the web process imports neither scikit-learn nor any other that it can do without.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Container, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from errors import LibraryMismatch
from learning.families import families, family_names, find_family

# How many leading numbers of the version must be the same; after them, what is
# installed may be newer than what the model was made with, but never older.
# scikit-learn says that an estimator is read only by the release that wrote it:
# https://scikit-learn.org/stable/model_persistence.html
# ONNX Runtime reads models of every release before it:
# https://onnxruntime.ai/docs/reference/compatibility.html
# A family says it of its own libraries; of others the same minor release is asked for.
_SAME: Mapping[str, int] = {
    "python": 2,
    "scikit-learn": 2,
    "onnxruntime": 1,
    "numpy": 1,
    "joblib": 1,
    "skops": 0,
}
_SAME_MINOR = 2

# What a runtime needs to load what it is given; a family that serves itself names its own.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "additive": ("onnxruntime",),
    "onnx": ("onnxruntime",),
    "linear": (),
    "text": (),
    "sklearn": ("scikit-learn", "numpy"),
}

_WRITERS = ("skops", "joblib")


def installed_version(library: str) -> str | None:
    """Return the installed version of a library, `python` being the interpreter; None if absent."""
    if library == "python":
        return platform.python_version()
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of the libraries that are installed."""
    found = {name: installed_version(name) for name in libraries}
    return {name: v for name, v in found.items() if v is not None}


def needs_of(runtime: str, members: Container[str] = ()) -> tuple[str, ...]:
    """Return the libraries whose versions must fit for a runtime to be served.

    The estimator's own runtime also needs what its member was written with.
    """
    needs = _NEEDS.get(runtime, ())
    if runtime in family_names():
        needs = tuple(find_family(runtime).libraries)
    if runtime != "sklearn":
        return needs
    return (*needs, *(writer for writer in _WRITERS if f"estimator.{writer}" in members))


def check_libraries(made_with: Mapping[str, str], needs: Iterable[str]) -> None:
    """Raise LibraryMismatch for the first needed library whose installed version does not fit."""
    for library in needs:
        made = made_with.get(library)
        if made is not None:
            _check(library, made, installed_version(library))


def _check(library: str, made: str, installed: str | None) -> None:
    if installed is None:
        raise LibraryMismatch(f"made with {library} {made}, which is not installed")
    same = _same(library)
    before, now = _numbers(made), _numbers(installed)
    if before[:same] != now[:same] or (same != _SAME_MINOR and now < before):
        raise LibraryMismatch(
            f"made with {library} {made}, installed {installed}: {_wanted(before, same)}"
        )


def _same(library: str) -> int:
    if library in _SAME:
        return _SAME[library]
    rules = (family.libraries[library] for family in families() if library in family.libraries)
    return next(rules, _SAME_MINOR)


def _wanted(before: tuple[int, ...], same: int) -> str:
    if same == _SAME_MINOR:
        return f"{before[0]}.{before[1]} is needed"
    release = ".".join(str(n) for n in before)
    return f"{release} or later is needed" + (f", before {before[0] + 1}" if same else "")


def _numbers(text: str) -> tuple[int, ...]:
    found = [int(n) for n in re.findall(r"\d+", text.split("+")[0])[:3]]
    return tuple(found + [0] * (3 - len(found)))
