"""build_model: the run, its command line, and what becomes of it when it is stopped."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from build_model import (
    _importances,
    build_model,
    chosen_recipe,
    main,
    may_show_rows,
    name_of,
    parse,
    report,
    shown_store,
)
from errors import DatasetError, RecipeError
from learning import profile
from learning.estimators import estimators, ready_made
from learning.progress import SilentProgress
from learning.recipe import Recipe
from persistence.model_persistence import read_model
from persistence.opening import open_store
from persistence.registry import Registry
from recipes import find_recipe
from tables.readers import read_table
from tests.conftest import ROOT
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry

TABLE = without(mixed_table(200), "comment")
RECIPE = ready_made("some", lambda: TABLE, "stays", "forest")
FEW = {"n_estimators": 5}
DRAWN = {"curves.json", "quality.json", "histograms.json"}


@pytest.fixture
def registry():
    return make_registry()


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder for models, which the command line finds in the environment."""
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "models"))
    monkeypatch.setenv("KEY_FOLDER", str(tmp_path / "keys"))
    return tmp_path / "models"


def keys(store):
    return open_store(str(store)).list()


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        writer.writerows(zip(*table.columns.values(), strict=True))
    return str(path)


# ---------------------------------------------------------------- the run


def test_a_run_registers_a_version_that_answers_as_it_did(registry):
    built = build_model(RECIPE, registry=registry, parameters=FEW, seed=3)
    assert built.verdict.good
    artifact = registry.read("some", built.version)
    assert artifact.schema == built.dataset.schema
    assert artifact.document("metrics.json") == json.loads(json.dumps(built.metrics))
    assert artifact.document("info.json") == json.loads(json.dumps(built.model.info))
    golden = artifact.document("golden.json")
    model = read_model("some", registry)
    answers = model.outputs(golden["rows"])
    np.testing.assert_allclose(answers, golden["probabilities"], atol=1e-6)
    assert len(golden["rows"]) == 20


def test_the_manifest_says_how_it_was_made(registry):
    built = build_model(RECIPE, registry=registry, parameters=FEW, seed=3)
    manifest = registry.read("some", built.version).manifest
    assert manifest.training_rows == 160
    assert manifest.classes == ("no", "yes")
    extra = manifest.extra
    assert extra["recipe"] == "some"
    assert extra["parameters"] == {"n_estimators": 5, "max_depth": 10, "min_samples_leaf": 2}
    assert (extra["seed"], extra["holdout_rows"]) == (3, 40)
    assert extra["comparison"] is None
    again = build_model(RECIPE, registry=registry, parameters=FEW, seed=3)
    comparison = registry.read("some", again.version).manifest.extra["comparison"]
    assert comparison["at_least_as_good"] is True
    assert comparison["champion_log_loss"] == comparison["challenger_log_loss"]


def test_the_artifact_carries_what_rows_and_answers_looked_like(registry):
    recipe = ready_made(
        "credit", str(ROOT / "data/credit.csv"), find_recipe("credit").target, "forest"
    )
    built = build_model(recipe, registry=registry, parameters=FEW)
    members = read_model(built.name, registry, built.version).artifact.members
    kept = profile.load(members)
    assert kept is not None
    assert kept.rows == built.model.training_rows
    assert kept.answers.rows == built.holdout.rows
    assert kept.answers.mean_loss == pytest.approx(built.metrics["log_loss"], rel=1e-3)
    assert set(kept.features) == {feature.name for feature in built.dataset.schema.features}
    assert len(members[profile.MEMBER]) <= 20_000


def test_pages_have_what_they_draw_and_rows_only_where_the_recipe_lets_them(registry):
    built = build_model(RECIPE, registry=registry, parameters=FEW)
    members = registry.read(built.name, built.version).members
    assert set(members) >= DRAWN
    assert "rows.json" not in members
    recipe = replace(RECIPE, show_rows=True)
    shown = build_model(recipe, registry=registry, parameters=FEW)
    found = registry.read(shown.name, shown.version).members
    assert "rows.json" in found
    assert all(found[name] == members[name] for name in members if name in DRAWN)


def test_a_recipe_s_word_on_rows_is_for_its_own_table_and_the_command_line_s_for_any():
    def shows(*arguments):
        options = parse(arguments)
        return may_show_rows(chosen_recipe(options), options)

    assert shows("--recipe", "iris")
    assert not shows("--recipe", "iris", "--data", "other.csv")
    assert not shows("--data", "other.csv", "--target", "y")
    assert shows("--data", "other.csv", "--target", "y", "--show-rows")


def test_a_card_is_printed_in_either_form_and_language(store, capsys):
    assert main(["--recipe", "iris"]) == 0
    capsys.readouterr()
    assert main(["--card", "iris"]) == 0
    assert capsys.readouterr().out.lstrip().startswith("<!doctype html>")
    assert main(["--card", "iris", "--markdown", "--lang", "pt"]) == 0
    assert capsys.readouterr().out.startswith("# Cartão do modelo: iris\n")
    assert main(["--card", "none"]) == 1
    assert capsys.readouterr().err == "build_model: no model of that name has a champion\n"


def test_the_same_seed_makes_the_same_model_and_another_another():
    def answers(seed):
        registry = make_registry()
        build_model(RECIPE, registry=registry, parameters=FEW, seed=seed)
        return read_model("some", registry).outputs([*map(dict, ROWS)]).tolist()

    assert answers(1) == answers(1) != answers(2)


ROWS = [
    {"age": age, "income": income, "vip": vip, "plan": "gold"}
    for age in (20, 44, 47, 70)
    for income in (1.5, None)
    for vip in (True, False)
]


def test_stages_are_told_in_order_and_notes_with_them(registry):
    told = []

    class Told(SilentProgress):
        def stage(self, name, total=None):
            told.append(name)

        def note(self, text):
            told.append(text)

    columns = {**TABLE.columns, "same": ["x"] * 200}
    recipe = ready_made("some", lambda: type(TABLE)(columns), "stays", "logistic")
    build_model(recipe, registry=registry, progress=Told())
    assert told == [
        "read",
        "same has the same value wherever it has one; it is left out",
        "fit",
        "evaluate",
        "compile",
        "compare",
        "register",
    ]


@pytest.mark.parametrize("stage", ["read", "fit", "evaluate", "compile", "compare", "register"])
def test_a_run_cancelled_at_any_stage_registers_nothing(registry, stage):
    class Cancelled(Exception):
        pass

    class Cancelling(SilentProgress):
        def stage(self, name, total=None):
            if name == stage:
                raise Cancelled

    with pytest.raises(Cancelled):
        build_model(RECIPE, registry=registry, parameters=FEW, progress=Cancelling())
    assert registry.names() == []


def test_a_model_may_have_another_name_than_its_recipe(registry):
    build_model(RECIPE, registry=registry, name="other", parameters=FEW)
    assert registry.names() == ["other"]
    with pytest.raises(RecipeError):
        build_model(RECIPE, registry=registry, name="../other", parameters=FEW)


# ---------------------------------------------------------------- the command line


def test_json_is_metrics_and_model_and_nothing_else(store, capsys):
    assert main(["--json", "--set", "n_estimators=5"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert {"roc_auc", "log_loss", "brier_score", "confusion_matrix"} <= document.keys()
    assert document["model"]["name"] == "credit"
    assert document["model"]["promoted"] is True
    assert f"credit/versions/{document['model']['version']}" in keys(store)
    assert document["info"]["num_trees"] == 5


def test_the_report_tells_the_whole_story(store, capsys):
    assert main(["--recipe", "iris"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for part in (
        "120 to learn from, 30 held out",
        "species: setosa, versicolor, virginica",
        "sepal_length  number    4.3 to 7.9",
        "roc_auc",
        "balanced_accuracy",
        "importance of",
        str(store),
        "yes: there was no champion",
    ):
        assert part in out
    assert main(["--recipe", "iris", "--promote", "never"]) == 0
    out, _ = capsys.readouterr()
    version = out.split()[1]
    command = out.split("to promote it: python build_model.py ")[1].splitlines()[0]
    assert main(command.split()) == 0
    assert capsys.readouterr().out == f"iris {version} is the champion\n"


def test_if_missing_trains_once(store, capsys):
    arguments = ["--if-missing", "--recipe", "iris"]
    assert main(arguments) == 0
    assert "iris" in capsys.readouterr().out
    before = keys(store)
    assert main(arguments) == 0
    assert capsys.readouterr().out == ""
    assert keys(store) == before


def test_a_recipe_takes_another_table(store, tmp_path, capsys):
    table = read_table("data/credit.csv")
    columns = {name: cells[:500] for name, cells in table.columns.items()}
    columns["job"] = ["fixo" if cell == "fixed" else cell for cell in columns["job"]]
    path = write(tmp_path / "mine.csv", type(table)(columns))
    arguments = ["--recipe", "credit", "--data", path, "--set", "n_estimators=5", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 500


def test_how_a_table_is_read_may_be_said(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("area;y\n1.167;a\n2.001;b\n836;a;x\n")
    given = ["--data", str(file), "--target", "y", "--decimal", ".", "--skip-bad-lines"]
    table = chosen_recipe(parse(given)).table()
    assert table.decimal == "."
    assert table.columns["area"] == ["1.167", "2.001"]
    with pytest.raises(DatasetError, match="line 4"):
        chosen_recipe(parse(given[:-1])).table()


FOREST = ("--estimator", "forest", "--set", "n_estimators=5")


def labelled_table(path, words=("Yes", "no"), **more):
    rows = [f"{n % 40},{words[n % 40 > 20]}" for n in range(200)]
    path.write_text("\n".join(["a,y", *rows, *more.get("rows", ()), ""]))
    return ["--data", str(path), "--target", "y", "--json", *FOREST]


def test_rows_without_a_label_and_rare_classes_are_left_out_or_merged(store, tmp_path, capsys):
    more = ["1,", "2,", "3,r1", *(f"{n},r2" for n in range(4))]
    given = labelled_table(tmp_path / "gaps.csv", ("a", "b"), rows=more)
    assert main(given) == 0
    built = json.loads(capsys.readouterr().out)
    assert (built["rows"], len(built["confusion_matrix"])) == (200, 2)
    assert built["notes"][:2] == [
        "y, the label, has no value in 2 rows, first row 201 (line 202); left out",
        "y: 2 classes have fewer than 5 rows, 'r1' and 'r2', 5 rows in all, left out; "
        "merge_rare merges them",
    ]
    assert main([*given, "--merge-rare", "other"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert (built["rows"], len(built["confusion_matrix"])) == (205, 3)
    registry = Registry(open_store(str(store)))
    assert registry.read("gaps", built["model"]["version"]).manifest.classes == ("a", "b", "other")


def wine(path):
    data = load_wine()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "target"])
        writer.writerows([*x, t] for x, t in zip(data.data, data.target, strict=True))
    return "target", "integer and number features, a label of three integers"


def breast_cancer(path):
    data = load_breast_cancer()
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow([*data.feature_names, "diagnosis"])
        names = data.target_names[data.target]
        writer.writerows([*x, name] for x, name in zip(data.data, names, strict=True))
    return "diagnosis", "names with spaces, tabs"


STRANGE_HEADER = (
    *("id", "signed up", "name", "comment", "age", "vip", "plan"),
    *("rate", "empty", "const", "zip", "churn"),
)


def strange(path):
    chance = random.Random(1)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(STRANGE_HEADER)
        for i in range(240):
            age, vip = chance.choice(["", *range(18, 80)]), chance.choice(["Yes", "no", "YES", ""])
            comment = chance.choice(['likes it; very "much"', "too\nslow for us", "good, but"])
            churns = (age == "" or age < 40) ^ (chance.random() < 0.1)
            writer.writerow(
                [
                    *(1000 + i, f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}", f"N{i:04x}"),
                    *(f"{comment} {i % 200}", age, vip),
                    chance.choice(["basic", "pro", '"gold"; plus', "NA"]),
                    f"{chance.uniform(1, 9):.2f}".replace(".", ","),
                    *("", "x", f"0{chance.randint(100, 110)}"),
                    "leaves" if churns else "stays",
                ]
            )
    return "churn", "a mark, semicolons, quotes, line breaks, missing values, dates"


@pytest.mark.parametrize("make", [wine, breast_cancer, strange], ids=lambda make: make.__name__)
@pytest.mark.parametrize("estimator", ["forest", "auto"])
def test_a_table_never_seen_is_learnt_and_answers(store, tmp_path, capsys, make, estimator):
    path = tmp_path / f"{make.__name__}.csv"
    target, _ = make(path)
    arguments = ["--data", str(path), "--target", target, "--estimator", estimator, "--json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["roc_auc"] > 0.7
    if estimator == "auto":
        assert {"pool", "base rate", "linear"} <= set(document["cross_validated_log_losses"])
    name = document["model"]["name"]
    assert main(["--promote-version", document["model"]["version"], "--name", name]) == 0
    if make is strange:
        assert document["features"] == {
            "id": "integer",
            "signed up": "date",
            "comment": "text",
            "age": "integer",
            "vip": "boolean",
            "plan": "category",
            "rate": "number",
            "zip": "category",
        }
        notes = " | ".join(document["notes"])
        for said in ("id looks like", "name looks like", "empty has no"):
            assert said in notes


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--recipe", "credits"], "there is no recipe of that name; did you mean credit?"),
        (["--set", "n_estimator=5"], "has no parameter n_estimator; did you mean n_estimators?"),
        (["--set", "n_estimators=many"], "n_estimators: expected an integer from 1 to 2000"),
        (["--set", "n_estimators"], "--set takes NAME=VALUE"),
        (["--name", "Not A Name"], "a model's name is"),
        (["--seed", "-1"], "seed: expected an integer"),
        (["--data", "data/credit.csv"], "--data needs --target"),
        (["--data", "none.csv", "--target", "y"], "cannot read the table none.csv"),
        (["--data", "data/credit.csv", "--target", "aproved"], "did you mean approved?"),
        (["--estimator", "forest"], "--estimator goes with --data"),
        (["--promote-version", "nope"], "no such version"),
    ],
)
def test_a_fault_is_one_line_and_exit_1(store, capsys, arguments, line):
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("build_model: ")
    assert err.count("\n") == 1
    assert line in err
    assert keys(store) == []


def test_a_bad_setting_is_one_line(store, capsys, monkeypatch):
    monkeypatch.setenv("POLL_SECONDS", "soon")
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("build_model: POLL_SECONDS")


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Children take SIGINT, also where the tests run behind a shell's `&`, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_registers_nothing_and_exits_130(store, root):
    command = [sys.executable, "build_model.py", "--set", "n_estimators=2000"]
    process = subprocess.Popen(
        command, cwd=root, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    keys_made = store.parent / "keys"
    deadline = time.monotonic() + 60
    while not keys_made.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert err.decode().splitlines() == ["build_model: interrupted"]
    assert keys(store) == []


def test_names_are_made_of_file_names():
    assert name_of("/some/My Table (2).csv") == "my-table-2"
    assert name_of("credit_risk-1.csv") == "credit_risk-1"
    assert name_of("Imóveis São José.csv") == "imoveis-sao-jose"
    with pytest.raises(RecipeError, match="give one with --name"):
        name_of("/some/___.csv")


def test_a_store_s_password_is_not_shown():
    assert (
        shown_store("postgres://user:secret@host:5432/models?x=secret") == "postgres://host/models"
    )
    assert shown_store("models") == "models"


def test_the_report_lists_twenty_importances():
    shuffled = {f"f{i}": {"mean": 0.5, "std": 0.0} for i in range(21)}
    lines = _importances({"permutation_importances": shuffled})
    assert len(lines) == 22
    assert lines[-1] == "and 1 more"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone limits private memory")
@pytest.mark.parametrize("interrupts", ["default_int_handler", "SIG_IGN"])
def test_a_table_that_memory_does_not_hold_is_one_line_that_says_the_ways_out(tmp_path, interrupts):
    rows = "\n".join(f"{n * 7 % 1013},{n * 3 % 997},{n % 2}" for n in range(400_000))
    (tmp_path / "long.csv").write_text(f"a,b,y\n{rows}\n")
    code = (
        # PyArrow has a thread for them, unless they are ignored: memory ends elsewhere then.
        f"import signal; signal.signal(signal.SIGINT, signal.{interrupts})\n"
        "import sys, build_model, pyarrow.csv, jobs.child\n"
        "jobs.child.limit_memory(24 * 2**20)\n"
        "sys.exit(build_model.main(['--data', 'long.csv', '--target', 'y', '--name', 'x']))\n"
    )
    # Nothing that another test has left in the environment, which may cost memory.
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(ROOT), "MODEL_STORE": str(tmp_path / "models")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("build_model: there is too little memory: learn in parts")
    assert done.stderr.count("\n") == 1


def test_a_quantity_is_learnt_without_a_word_and_has_its_recipe_s_unit():
    table = without(mixed_table(300), "comment", "stays")
    recipe = Recipe("ages", "age", lambda: table, estimators()["auto"], unit="years")
    built = build_model(recipe, registry=make_registry())
    target = built.model.schema.target
    assert (target.task, target.unit) == ("regression", "years")
    assert built.metrics["rmse"] > 0
    assert {"pool", "base rate"} <= built.choice.losses.keys()
    assert "age: a quantity" in report(built, "models")
