"""The OpenAPI document: whole, true to the routes and the models, and held to by the service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

import errors
from app import build_flask, wire
from config import Config
from serving import refusals
from serving.auth import new_key
from serving.http.openapi import make_document, operations_of
from serving.pages.blueprint import is_page
from serving.problems import STATUS
from tests.servers import free_port, wait_until
from tests.service import ROOT, build, environment, serve
from tests.serving.factory import ROW, SIGNATURE, make_live
from tests.serving.protocols.test_loans import LOANS
from tests.serving.protocols.test_tweets import TWEETS

LIVES = {
    "credit": make_live(),
    "loans": make_live("loans", schema=LOANS, protocols=("flat",)),
    "tweets": make_live("tweets", schema=TWEETS, protocols=("keyed",)),
}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    config = Config(model_store=str(folder / "models"), key_folder=str(folder / "keys"))
    return config, wire(config)


@pytest.fixture(scope="module")
def app(parts):
    return build_flask(*parts)


@pytest.fixture(scope="module")
def operations(app):
    return operations_of(app)


def document(
    parts: Any, operations: Any, lives: Any = LIVES, *, closed: bool = False
) -> dict[str, Any]:
    made = make_document(parts[1].service.protocols, operations, lives, "credit", closed)
    return json.loads(json.dumps(made))


@pytest.fixture(scope="module")
def described(parts, operations) -> dict[str, Any]:
    return document(parts, operations)


def test_every_route_of_flask_is_described(app, operations):
    known = {rule.endpoint for rule, _ in operations}
    others = {rule.endpoint for rule in app.url_map.iter_rules()} - known
    files = {"docs.favicon-32x32_png", "docs.start_js", "docs.swagger-ui-bundle_js"}
    files.add("docs.swagger-ui_css")
    pages = {name for name in others if is_page(name)}
    assert {name for name in others if not name.startswith("prediction.")} - pages == files


def test_every_protocols_route_is_listed_for_every_model_that_it_reaches(described):
    for path in (
        "/v0/predict",
        "/v0/models/tweets/predict",
        "/predict",
        "/api/v1/{token}/predict",
        "/invocations",
        "/models/loans/invoke",
        "/v2/models/credit/infer",
        "/v2/models/loans/versions/{version}/infer",
    ):
        assert "200" in described["paths"][path]["post"]["responses"]


def test_two_protocols_of_one_path_are_one_operation_of_either_s_body(described):
    operation = described["paths"]["/predict"]["post"]
    assert operation["tags"] == ["Loans", "vetiver"]
    one, rows = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert one == {"$ref": "#/components/schemas/LoansRow"}
    assert rows["items"]["anyOf"][0] == {"$ref": "#/components/schemas/CreditRow"}
    answers = operation["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [answer["required"] for answer in answers] == [["default_proba"], ["predict"]]


def test_without_models_the_routes_of_flask_are_left(parts, operations):
    empty = document(parts, operations, {})
    assert "/health" in empty["paths"]
    assert not any(path.endswith(("predict", "infer")) for path in empty["paths"])


def test_every_reference_leads_somewhere_and_every_schema_is_one(described):
    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield node
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    for node in walk(described["paths"]):
        if "$ref" in node:
            *_, kind, name = node["$ref"].split("/")
            assert name in described["components"][kind]
        if isinstance(node.get("schema"), dict):
            jsonschema.Draft202012Validator.check_schema(node["schema"])


def test_every_tag_is_listed_on_the_page(described):
    listed = {tag["name"] for tag in described["tags"]}
    used = {tag for path in described["paths"].values() for o in path.values() for tag in o["tags"]}
    assert used == listed


def test_operation_ids_are_unique(described):
    ids = [o["operationId"] for path in described["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))


def test_a_models_rows_are_those_of_its_signature(described):
    schema = described["components"]["schemas"]["CreditRow"]
    jsonschema.validate(ROW | {"records": False}, schema)
    jsonschema.validate(SIGNATURE.example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(ROW | {"age": "old"}, schema)


def test_prediction_asks_for_a_key_only_where_it_is_closed(parts, operations, described):
    closed = document(parts, operations, closed=True)["paths"]["/v0/predict"]["post"]
    assert {"401", "403"} <= closed["responses"].keys()
    assert closed["security"]
    assert described["paths"]["/v0/predict"]["post"]["security"] == []


def test_whatever_a_prediction_may_be_refused_with_is_described(described):
    checked = (
        errors.ParseError,
        refusals.BodyTimeout,
        refusals.BodyTooLarge,
        refusals.MediaTypeError,
        errors.ModelNotReady,
        refusals.NotAcceptable,
        errors.NotFound,
        errors.Overloaded,
        refusals.RateLimited,
        errors.RowsError,
    )
    for path in ("/v0/predict", "/predict", "/api/v1/{token}/predict", "/v2/models/credit/infer"):
        responses = described["paths"][path]["post"]["responses"]
        assert {str(int(STATUS[kind])) for kind in checked} <= responses.keys()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemathesis") / "models"
    build(folder, "--set", "n_estimators=5")
    build(folder, "--recipe", "tweets")
    return folder


@contextmanager
def serve_flask(store: Path) -> Iterator[str]:
    """Run the service under Flask's own server until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(port)]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(store), stdout=silent, stderr=silent
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_up(url), "flask to answer")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/livez", timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def serve_gunicorn(store: Path, **settings: str) -> Iterator[str]:
    with serve(store, WEB_CONCURRENCY="1", **settings) as service:
        yield service.url


def schemathesis(url: str, folder: Path, *options: str) -> None:
    """Throw generated requests at a service; fail with what schemathesis says."""
    (folder / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--no-color", "run"),
        *(f"{url}/v0/openapi.json", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "10", "--generation-deterministic", "--warnings", "off", *options),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert requests.get(f"{url}/livez", timeout=5).ok


# Any text is not CSV, and rows may be too many: what fits the schema may still be refused.
# Any CSV is a row of a model that reads one text: there nothing is refused.
SETTINGS = """
request-timeout = 60

[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "tweets/invo"
checks = { negative_data_rejection = { enabled = false } }
"""


@pytest.mark.parametrize("serving", [serve_gunicorn, serve_flask])
def test_generated_requests_find_no_fault_of_ours_and_nothing_undescribed(store, serving, tmp_path):
    with serving(store) as url:
        schemathesis(url, tmp_path)


def test_generated_requests_with_a_key_find_nothing_either(store, tmp_path):
    token, key = new_key("schemathesis", ["admin"])
    # After some requests without the key a client has to wait, which is not what is expected.
    unasked = "positive_data_acceptance,ignored_auth"
    with serve_gunicorn(store, API_KEYS=key.entry()) as url:
        schemathesis(
            *(url, tmp_path, "--exclude-checks", unasked),
            *("--header", f"Authorization: Bearer {token}"),
            *("--include-tag", "Training", "--include-tag", "Lifecycle"),
            # A stream ends only when its job does, and no worker is there.
            *("--exclude-path-regex", "events$"),
        )
