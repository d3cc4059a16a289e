"""Library versions: what fits, what does not, and by how much."""

from __future__ import annotations

import platform
from importlib.metadata import version

import pytest

from errors import LibraryMismatch
from learning.runtimes import MODULES
from persistence import libraries
from persistence.libraries import _NEEDS, check_libraries, installed_version, needs_of, versions_of


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is installed, to be filled in by the test."""
    found: dict[str, str] = {}
    monkeypatch.setattr(libraries, "installed_version", found.get)
    return found


@pytest.mark.parametrize(
    ("library", "made", "now"),
    [
        ("scikit-learn", "1.9.1", "1.9.1"),
        ("scikit-learn", "1.9.1", "1.9.0"),
        ("scikit-learn", "1.9.1", "1.9.2.post1"),
        ("onnxruntime", "1.32.0", "1.32.0"),
        ("onnxruntime", "1.32.0", "1.40.1"),
        ("numpy", "2.4.6", "2.10"),
        ("skops", "0.16", "1.0"),
        ("unheard-of", "3.1", "3.1.9"),
    ],
)
def test_fits(installed: dict[str, str], library: str, made: str, now: str) -> None:
    installed[library] = now
    check_libraries({library: made}, [library])


@pytest.mark.parametrize(
    ("library", "made", "now", "wanted"),
    [
        ("scikit-learn", "1.8.0", "1.9.1", "1.8 is needed"),
        ("scikit-learn", "1.9.1", "1.8.0", "1.9 is needed"),
        ("onnxruntime", "1.32.0", "1.31.9", "1.32.0 or later is needed, before 2"),
        ("onnxruntime", "1.32.0", "2.0.0", "1.32.0 or later is needed, before 2"),
        ("numpy", "2.4.6", "1.26.4", "2.4.6 or later is needed, before 3"),
        ("skops", "0.16", "0.15", "0.16.0 or later is needed"),
        ("unheard-of", "3.1", "3.2", "3.1 is needed"),
    ],
)
def test_does_not_fit(
    installed: dict[str, str], library: str, made: str, now: str, wanted: str
) -> None:
    installed[library] = now
    with pytest.raises(LibraryMismatch) as refusal:
        check_libraries({library: made}, [library])
    assert str(refusal.value) == f"made with {library} {made}, installed {now}: {wanted}"


def test_a_library_that_is_not_installed_is_named(installed: dict[str, str]) -> None:
    with pytest.raises(
        LibraryMismatch, match=r"made with catboost 1\.2\.8, which is not installed"
    ):
        check_libraries({"catboost": "1.2.8"}, ["catboost"])


def test_only_what_is_needed_is_looked_at(installed: dict[str, str]) -> None:
    check_libraries({"catboost": "1.2.8"}, [])
    check_libraries({}, ["catboost"])


def test_versions_are_those_installed() -> None:
    assert versions_of(["python", "numpy", "not-a-library"]) == {
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }
    assert installed_version("not-a-library") is None


def test_every_runtime_s_needs_are_known() -> None:
    assert set(_NEEDS) == set(MODULES)
    assert needs_of("catboost") == ("catboost",)
    assert needs_of("forest") == ()


def test_an_estimator_needs_what_it_was_written_with() -> None:
    assert "skops" in needs_of("sklearn", {"estimator.skops": b""})
    assert "joblib" in needs_of("sklearn", {"estimator.joblib": b""})
    assert needs_of("onnx", {"estimator.joblib": b""}) == ("onnxruntime",)
