"""Pipelines of skrub, fitted and read by skrub itself in an environment that pip makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from errors import EquivalenceError, ModelFileError
from learning.imports import isolated, versions
from learning.imports.example import Example, read_example
from learning.imports.imported import Imported, encoded
from learning.imports.recognition import check_skrub
from learning.imports.skrub import features_of
from learning.imports.versions import beside, import_with, installed, packages_beside
from learning.runtimes import load_runtime
from tables.schema import Feature

WANTED = "skrub==0.11.0"
# Words, some of them missing, two words alone, numbers, some of them missing, and booleans.
FIT = """
import joblib, numpy, pandas, sys
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skrub import TableVectorizer, tabular_pipeline
n = numpy.arange(300)
rows = pandas.DataFrame({
    "town": numpy.where(n % 7 == 3, None, numpy.array(["rio", "lima", "quito"], object)[n % 3]),
    "debt": numpy.where(n % 11 == 2, numpy.nan, n * 7919 % 101 / 10),
    "owner": numpy.array(["yes", "no"], object)[n % 2],
    "old": n % 5 == 0,
})
score = rows["debt"].fillna(3) + 4 * (rows["town"] == "rio") + 2 * rows["old"]
told = numpy.where(score > 7, "good", "bad")
lines = [TableVectorizer(), SimpleImputer(), StandardScaler()]
made = {
    "boosting": tabular_pipeline("classifier").fit(rows, told),
    "quantity": tabular_pipeline("regressor").fit(rows, score),
    "line": make_pipeline(*lines, LogisticRegression()).fit(rows, told),
    "ridge": make_pipeline(*lines, Ridge()).fit(rows, score),
    "squashed": tabular_pipeline(LogisticRegression()).fit(rows, told),
    "dated": tabular_pipeline("classifier").fit(
        rows.assign(day=pandas.Timestamp("2024-01-01") + pandas.to_timedelta(n, "D")), told),
    "named": tabular_pipeline("classifier").fit(
        rows.assign(who=[f"person {i}" for i in n]), told),
}
for name, pipeline in made.items():
    joblib.dump(pipeline, f"{sys.argv[1]}/{name}.pkl")
rows.to_csv(f"{sys.argv[1]}/rows.csv", index=False)
rows.assign(day="2024-01-01").to_csv(f"{sys.argv[1]}/dated.csv", index=False)
rows.assign(who="person 1").to_csv(f"{sys.argv[1]}/named.csv", index=False)
unseen = rows.assign(town="oslo").head(5)
numpy.savetxt(f"{sys.argv[1]}/unseen.txt", made["line"].predict_proba(unseen))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with skrub."""
    folder = tmp_path_factory.mktemp("skrub")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)  # it is nobody who runs it, where there are no namespaces
    made = installed(folder / "environment", packages_beside(WANTED))
    beside(made)
    return made


@pytest.fixture(scope="module")
def files(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what skrub fitted there."""
    folder = tmp_path_factory.mktemp("pickles")
    subprocess.run([python, "-W", "ignore", "-c", FIT, folder], check=True, timeout=300)
    return folder


@pytest.fixture
def made(python: Path, files: Path, monkeypatch: pytest.MonkeyPatch):
    """What imports a pickle; the environment is there already."""
    monkeypatch.setattr(versions, "installed", lambda folder, packages: python)

    def importing(name: str, example: str = "rows") -> Imported:
        given = read_example(files / f"{example}.csv", "y")
        return import_with(WANTED, (files / f"{name}.pkl").read_bytes(), given, "y")

    return importing


@pytest.mark.parametrize("name", ["boosting", "line", "quantity", "ridge"])
def test_a_pipeline_answers_as_skrub_s_own_did(made, name: str) -> None:
    found = made(name)
    assert found.origin["imported_from"] == f"a pickle, by {WANTED}"
    assert found.origin["read_in"] in ("namespaces", "user", "limits")
    classes = () if name in ("quantity", "ridge") else ("bad", "good")
    assert found.schema.target.classes == classes
    kinds = {f.name: (f.kind, f.categories) for f in found.schema.features}
    assert kinds["town"] == ("category", ("lima", "quito", "rio"))
    assert kinds["debt"] == ("number", ())
    assert "NA" in next(f for f in found.schema.features if f.name == "town").missing


def test_a_category_never_seen_is_answered_as_skrub_does(made, files: Path) -> None:
    found = made("line")
    rows = read_example(files / "rows.csv", "y").rows[:5]
    batch = encoded(found.schema, [{**row, "town": "oslo"} for row in rows])
    answered = load_runtime(found.runtime_name, found.members).outputs(batch)
    np.testing.assert_allclose(answered, np.loadtxt(files / "unseen.txt"), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "example", "told"),
    [
        ("squashed", "rows", "skrub's SquashingScaler has no equal form"),
        ("dated", "dated", "column day is read by ToDatetime|column day is read by Datetime"),
        ("named", "named", "column who is read by StringEncoder"),
        ("line", "named", "the example has other columns"),
    ],
)
def test_what_has_no_equal_form_is_one_line(made, name: str, example: str, told: str) -> None:
    with pytest.raises(ModelFileError, match=told) as caught:
        made(name, example)
    assert "\n" not in str(caught.value)


def test_answers_of_another_are_refused(made, monkeypatch: pytest.MonkeyPatch) -> None:
    real = isolated.import_plain

    def lying(handed: isolated.HandedPlain, example: Example, target: str) -> Imported:
        handed.outputs[0] = handed.outputs[0][::-1]
        return real(handed, example, target)

    monkeypatch.setattr(versions, "import_plain", lying)
    with pytest.raises(EquivalenceError, match="row 1"):
        made("line")


def test_without_skrub_it_is_said_how(files: Path) -> None:
    with pytest.raises(ModelFileError, match=r"--with skrub==0\.11\.0"):
        check_skrub((files / "line.pkl").read_bytes())
    check_skrub((files / "rows.csv").read_bytes())


def test_a_column_of_another_kind_is_named() -> None:
    features = (Feature("a", "number", example=1.0), Feature("b", "text", example="x"))
    example = Example(features, [{"a": 1.0, "b": "x"}], None)
    with pytest.raises(ModelFileError, match="the model reads text in a"):
        features_of(example, {"a": ("x",), "b": ("x",)}, ())
    with pytest.raises(ModelFileError, match="the model reads numbers in b"):
        features_of(example, {}, ())
    _, found = features_of(example, {"b": ("x", "NA")}, ("NA", "null"))
    assert (found.categories, found.missing, found.nullable) == (("x", "NA"), ("null",), True)


def test_a_version_is_asked_for_in_one_form() -> None:
    assert packages_beside(WANTED)[0] == WANTED
    for wanted in ("skrub", "skrub==1 evil", "skrub>=0.11"):
        with pytest.raises(ModelFileError, match=r"of skrub, such as skrub==0\.11\.0"):
            packages_beside(wanted)
