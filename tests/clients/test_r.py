"""Models from R: fitted there, exported by its scripts, served here, compared with R's answers."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import EquivalenceError, MiranteError
from import_model import import_model
from learning.imports.r import import_r
from serving.champions import load_live
from serving.protocols import sagemaker
from tests.conftest import ROOT, require
from tests.persistence.artifacts import make_registry
from tests.serving.factory import ask, make_service

INSTALL = "apt-get install r-base-core r-cran-ranger r-cran-jsonlite r-cran-plumber"
MODES = ("ignore", "order", "partition")

# Fits every model that the tests look at, on data with every kind of column, and
# exports it with R's own predictions for rows of which some have a level never seen.
FIT = """
suppressPackageStartupMessages({library(ranger); library(jsonlite)})
given <- commandArgs(TRUE); folder <- given[1]
source(file.path(given[2], "export_ranger.R")); source(file.path(given[2], "export_glm.R"))
set.seed(1); n <- 400
data <- data.frame(
  x = rnorm(n, 50, 10), count = sample(1:40, n, TRUE),
  colour = factor(sample(c("red", "green", "blue", "grey", "white"), n, TRUE)),
  size = factor(sample(c("lo", "mid", "hi"), n, TRUE), c("lo", "mid", "hi"), ordered = TRUE),
  new = runif(n) > 0.5, `w t` = round(runif(n), 1), check.names = FALSE)
liked <- data$colour %in% c("red", "grey")
score <- (data$x - 50) / 10 + as.integer(data$size) + 2 * liked - data$new
data$two <- factor(ifelse(score + rnorm(n) > 3, "yes", "no"))
data$three <- cut(score + rnorm(n), c(-99, 1.5, 3, 99), c("low", "middle", "high"))
predictors <- setdiff(names(data), c("two", "three"))
write_new <- function(name, answers, rows) {
  write_json(list(rows = rows, answers = unname(answers)), file.path(folder, name), digits = NA)
}
fresh <- data[1:60, predictors]
fresh$x <- fresh$x + 0.037
fresh$colour <- factor(as.character(fresh$colour), c(levels(data$colour), "pink"))
unseen <- fresh; unseen$colour[1:20] <- "pink"
for (label in c("two", "three")) for (mode in c("ignore", "order", "partition")) {
  forest <- ranger(dependent.variable.name = label, data = data[c(predictors, label)],
                   probability = TRUE, num.trees = 40, respect.unordered.factors = mode, seed = 1)
  export_ranger(forest, data, label, file.path(folder, paste0(mode, "-", label, ".json")))
  rows <- if (mode == "order") unseen else fresh
  write_new(paste0(mode, "-", label, ".new"), predict(forest, rows)$predictions, rows)
}
model <- glm(two ~ x + count + colour + size + new + `w t`, binomial, data)
export_glm(model, data, file.path(folder, "glm.json"))
second <- predict(model, fresh[fresh$colour != "pink", ], type = "response")
write_new("glm.new", cbind(1 - second, second), fresh)
saveRDS(model, file.path(folder, "glm.rds")); saveRDS(data, file.path(folder, "data.rds"))
refused <- function(...) tryCatch({export_glm(glm(..., data = data), data, tempfile()); "taken"},
                                  error = conditionMessage)
numbers <- ranger(two ~ x, data, num.trees = 2)
words <- transform(data[c("x", "two")], word = as.character(data$colour))
writeLines(c(
  refused(two ~ x * count, binomial), refused(two ~ log(x), binomial),
  refused(two ~ x - 1, binomial), refused(two ~ x + offset(count), binomial),
  refused(two ~ x, binomial("probit")),
  refused(x ~ count, gaussian),
  tryCatch(export_ranger(numbers, data, "two", tempfile()), error = conditionMessage),
  tryCatch(export_ranger(ranger(two ~ ., words, probability = TRUE, num.trees = 2), words, "two",
                         tempfile()), error = conditionMessage)
), file.path(folder, "refused"))
iris_forest <- ranger(Species ~ ., iris, probability = TRUE, seed = 2)
export_ranger(iris_forest, iris, "Species", file.path(folder, "iris.json"))
saveRDS(iris_forest, file.path(folder, "iris.rds"))
"""

# What R's own web server answers for a columnar body.
PLUMBER = """
suppressPackageStartupMessages({library(ranger); library(plumber)})
given <- commandArgs(TRUE)
forest <- readRDS(given[1]); body <- readLines(given[2], warn = FALSE)
api <- pr_post(pr(), "/invocations", function(req) {
  as.data.frame(predict(forest, as.data.frame(jsonlite::fromJSON(req$postBody)))$predictions)
}, serializer = serializer_json(digits = NA))
request <- as.environment(list(
  REQUEST_METHOD = "POST", PATH_INFO = "/invocations", QUERY_STRING = "",
  CONTENT_TYPE = "application/json", HTTP_CONTENT_TYPE = "application/json",
  rook.input = list(read = function(...) charToRaw(body), read_lines = function(...) body,
                    rewind = function() NULL)))
cat(as.character(api$call(request)$body))
"""


def rscript(code: str, folder: Path, *words: str) -> str:
    """Run a script in R, and return what it prints."""
    script = folder / "script.R"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script), *words], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def missing() -> str:
    """What is missing to run R with its packages; empty when nothing is."""
    code = 'for (p in c("ranger", "jsonlite", "plumber")) loadNamespace(p)'
    try:
        done = subprocess.run(["Rscript", "-e", code], capture_output=True, timeout=60)
    except FileNotFoundError:
        return "R"
    return "R's ranger, jsonlite or plumber" if done.returncode else ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the script above makes."""
    require(not missing(), missing(), INSTALL)
    made = tmp_path_factory.mktemp("r")
    rscript(FIT, made, str(made), str(ROOT / "clients" / "r"))
    return made


def answers(folder: Path, name: str) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Rows that were not exported, and R's own answers to them."""
    document = json.loads((folder / f"{name}.new").read_bytes())
    return document["rows"], np.array(document["answers"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("label", ["two", "three"])
def test_a_forest_answers_as_it_did_in_r(folder: Path, mode: str, label: str) -> None:
    registry = make_registry()
    taken = import_model(folder / f"{mode}-{label}.json", registry=registry, name="forest")
    assert taken.promoted
    assert taken.model.runtime_name == "onnx"
    assert taken.model.parity is not None
    assert taken.model.parity["rows"] == 100
    live = load_live(registry.read_champion("forest")[1])
    rows, expected = answers(folder, f"{mode}-{label}")
    document = json.loads((folder / f"{mode}-{label}.json").read_bytes())
    order = [document["classes"].index(name) for name in live.schema.target.classes]
    answered = live.runtime.outputs(live.codec.encode_objects(rows))
    assert np.abs(answered - expected[:, order]).max() < 1e-6
    assert np.ptp(answered[:, 0]) > 0.3


def test_a_logistic_regression_answers_as_it_did_in_r(folder: Path) -> None:
    registry = make_registry()
    taken = import_model(folder / "glm.json", registry=registry, name="glm")
    assert taken.model.runtime_name == "linear"
    live = load_live(registry.read_champion("glm")[1])
    rows, expected = answers(folder, "glm")
    answered = live.runtime.outputs(live.codec.encode_objects(rows))
    assert np.abs(answered - expected).max() < 1e-6


def test_the_columnar_body_is_answered_as_plumber_does(folder: Path) -> None:
    registry = make_registry()
    import_model(folder / "iris.json", registry=registry, name="iris")
    live = load_live(registry.read_champion("iris")[1])
    body = {
        "Sepal.Length": [5.1, 6.7, 6.0],
        "Sepal.Width": [3.5, 3.1, 2.9],
        "Petal.Length": [1.4, 5.6, 4.5],
        "Petal.Width": [0.2, 2.4, 1.5],
    }
    (folder / "body").write_text(json.dumps(body))
    theirs = json.loads(rscript(PLUMBER, folder, str(folder / "iris.rds"), str(folder / "body")))
    service = make_service(live, protocols=(sagemaker,), default_model="iris")
    answer = ask(service, "/invocations", body)
    assert answer.status == 200, answer.body
    ours = json.loads(answer.body)["predictions"]
    assert len(ours) == len(theirs) == 3
    for mine, its in zip(ours, theirs, strict=True):
        assert mine["probabilities"] == pytest.approx(its, abs=1e-6)


def test_the_script_runs_by_itself_too(folder: Path) -> None:
    written = folder / "alone.json"
    script = ROOT / "clients" / "r" / "export_glm.R"
    files = [str(folder / "glm.rds"), str(folder / "data.rds"), str(written)]
    subprocess.run(["Rscript", "--vanilla", str(script), *files], check=True, timeout=60)
    assert import_r(written.read_bytes()).schema.target.classes == ("no", "yes")


def test_what_is_not_supported_is_refused_by_name(folder: Path) -> None:
    assert (folder / "refused").read_text().splitlines() == [
        "the term x:count is not supported: only columns as they are",
        "the term log(x) is not supported: only columns as they are",
        "a model without intercept is not supported",
        "an offset is not supported",
        "the link probit is not supported; logit is",
        "expected a glm fitted with family = binomial",
        "expected a ranger forest fitted with probability = TRUE",
        "column word is of class character; make it a number, a logical or a factor before fitting",
    ]


def test_a_forest_that_does_not_meet_rs_answers_is_refused(folder: Path) -> None:
    document = json.loads((folder / "order-two.json").read_bytes())
    document["predictions"][7] = [
        p + d for p, d in zip(document["predictions"][7], (2e-6, -2e-6), strict=True)
    ]
    with pytest.raises(EquivalenceError, match=r"row 8 .* 1e-06 is allowed"):
        import_r(json.dumps(document).encode())


@pytest.mark.parametrize("tree", [{"left": [0]}, {"variable": [99]}, {"left": [1], "right": [1]}])
def test_a_damaged_tree_is_refused(folder: Path, tree: dict[str, list[int]]) -> None:
    document = json.loads((folder / "order-two.json").read_bytes())
    given = document["model"]["trees"][0]
    for name, values in tree.items():
        given[name] = values + given[name][1:] if name == "variable" else values
    with pytest.raises(MiranteError):
        import_r(json.dumps(document).encode())
