"""Linters of the OpenAPI document, and clients that generators make of it: they predict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT, require
from tests.openapi_rules import Document, operations, patterns
from tests.service import CREDIT_ROW, Service, build, serve
from tests.serving.http.test_openapi_rules import LIVES, make

HERE = ROOT / "tests" / "openapi_tools"
TOOLS = Path(os.environ.get("OPENAPI_TOOLS", Path.home() / ".cache" / "mirante" / "openapi-tools"))
INSTALL = "tests/openapi_tools/install"
R_INSTALL = "apt-get install r-base-core r-cran-httr2 r-cran-r6 r-cran-base64enc r-cran-stringr"
ROW = CREDIT_ROW | {"records": False}


def run(*command: str | Path, cwd: Path) -> str:
    """Run one of the tools, and return what it printed; fail with that if it fails."""
    programs = (TOOLS / "bin", TOOLS / "node_modules" / ".bin")
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def require_tool(name: str) -> None:
    """Skip the test where the tool is not installed."""
    found = (TOOLS / "bin" / name, TOOLS / "node_modules" / ".bin" / name)
    require(any(path.exists() for path in found), name, INSTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document of many models, open to all and closed to those without a key."""
    folder = tmp_path_factory.mktemp("openapi")
    for name, closed in (("open", False), ("closed", True)):
        document = make(folder, LIVES, closed=closed)
        (folder / f"{name}.json").write_text(json.dumps(document))
    (folder / "spectral.json").write_text('{"extends": ["spectral:oas"]}')
    return folder


def read(folder: Path) -> Document:
    document: Document = json.loads((folder / "open.json").read_text())
    return document


@pytest.mark.parametrize("document", ["open.json", "closed.json"])
def test_redocly_finds_nothing(folder: Path, document: str) -> None:
    require_tool("redocly")
    said = run("redocly", "lint", document, "--format=json", cwd=folder)
    found, _ = json.JSONDecoder().raw_decode(said, said.index("{"))
    assert found["problems"] == []


def test_spectral_finds_nothing_but_that_nobody_is_to_be_asked(folder: Path) -> None:
    require_tool("spectral")
    documents = ("open.json", "closed.json")
    options = ("--ruleset", "spectral.json", "--format", "json", "--output", "found.json")
    run("spectral", "lint", *documents, *options, cwd=folder)
    found = json.loads((folder / "found.json").read_text())
    # Whom to ask is known to who runs the service.
    assert {problem["code"] for problem in found} == {"info-contact"}


def test_javascript_reads_every_pattern(folder: Path) -> None:
    require_tool("node")
    code = "for (const pattern of JSON.parse(process.argv[1])) new RegExp(pattern, 'u')"
    run("node", "-e", code, json.dumps(patterns(read(folder))), cwd=folder)
    with pytest.raises(AssertionError, match="Invalid"):
        run("node", "-e", code, json.dumps([r"^a\Z"]), cwd=folder)


def test_pythons_client_has_every_operation(folder: Path) -> None:
    require_tool("openapi-python-client")
    said = generate_python(folder / "open.json", folder / "python")
    assert "Endpoint will not be generated" not in said
    assert "removal of" not in said
    # What is left out are bodies of rows in CSV, JSON Lines, Arrow, Parquet and NumPy's files.
    unsupported = set(re.findall(r"Unsupported content type (\S+)", said))
    assert unsupported == {
        "application/jsonlines",
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.parquet",
        "application/x-ndjson",
        "application/x-npy",
        "text/csv",
    }
    written = [path.stem for path in (folder / "python" / "api").glob("*/*.py")]
    listed = [operation["operationId"] for _, _, operation in operations(read(folder))]
    assert sorted(name for name in written if name != "__init__") == sorted(listed)


def generate_python(document: Path, package: Path) -> str:
    command = ("openapi-python-client", "generate", "--path", document, "--output-path", package)
    return run(*command, "--meta", "none", cwd=document.parent)


def test_typescript_has_every_operation(folder: Path) -> None:
    require_tool("openapi-typescript")
    run("openapi-typescript", "open.json", "--output", "open.d.ts", cwd=folder)
    written = (folder / "open.d.ts").read_text()
    for _, _, operation in operations(read(folder)):
        assert f"    {operation['operationId']}: {{" in written


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of the credit model alone."""
    store = tmp_path_factory.mktemp("clients") / "models"
    build(store, "--set", "n_estimators=5")
    with serve(store, WEB_CONCURRENCY="1") as service:
        yield service


@pytest.fixture(scope="module")
def served(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the running service's document."""
    folder = tmp_path_factory.mktemp("served")
    document = requests.get(f"{service.url}/v0/openapi.json", timeout=30).content
    (folder / "openapi.json").write_bytes(document)
    return folder


@pytest.fixture(scope="module")
def expected(service: Service) -> Any:
    """What the service answers a client that nobody generated."""
    answer = requests.post(f"{service.url}/v0/predict", json=ROW, timeout=30)
    return answer.json()["prediction"]["value"]


PYTHON = """
import json, sys
from generated import Client
from generated.api.prediction import post_v0_predict
from generated.models import CreditRow, PostV0PredictStrict

client = Client(sys.argv[1], raise_on_unexpected_status=True)
row = json.loads(sys.argv[2])
ask = {"client": client, "strict": PostV0PredictStrict.TRUE}
answer = post_v0_predict.sync(body=CreditRow.from_dict(row), **ask)
many = post_v0_predict.sync(body=[CreditRow.from_dict(row)] * 2, **ask)
refused = post_v0_predict.sync(body=CreditRow.from_dict(row | {"age": "old"}), **ask)
assert many.predictions == [answer.prediction] * 2
print(json.dumps([answer.prediction.value, refused.errors[0].field]))
"""


def test_pythons_client_predicts(service: Service, served: Path, expected: Any) -> None:
    require_tool("openapi-python-client")
    generate_python(served / "openapi.json", served / "generated")
    python = TOOLS / "bin" / "python"
    said = run(python, "-c", PYTHON, service.url, json.dumps(ROW), cwd=served)
    assert json.loads(said) == [expected, "age"]


def test_typescripts_client_is_accepted_and_predicts(
    service: Service, served: Path, expected: Any
) -> None:
    require_tool("tsc")
    run("openapi-typescript", "openapi.json", "--output", "schema.d.ts", cwd=served)
    shutil.copy(HERE / "predict.mts", served)
    (served / "node_modules").symlink_to(TOOLS / "node_modules")
    run(
        *("tsc", "--strict", "--noEmit", "--allowImportingTsExtensions", "--types", "node"),
        *("--target", "es2022", "--module", "nodenext", "--skipLibCheck", "predict.mts"),
        cwd=served,
    )
    said = run("node", "predict.mts", service.url, cwd=served)
    assert json.loads(said) == {"value": expected, "field": "age"}


def test_rs_client_has_every_operation_and_predicts(
    service: Service, served: Path, expected: Any
) -> None:
    require_tool("openapi-generator-cli")
    packages = "httr2", "R6", "base64enc", "stringr", "jsonlite"
    code = f"stopifnot(sapply(c{packages}, requireNamespace, quietly = TRUE))".replace("'", '"')
    has_r = (
        shutil.which("Rscript")
        and not subprocess.run(["Rscript", "-e", code], capture_output=True).returncode
    )
    require(bool(has_r), "R with httr2", R_INSTALL)
    generate = ("generate", "-g", "r", "--library", "httr2", "-i", "openapi.json", "-o", "r")
    named = ("--additional-properties", "packageName=mirante")
    run("openapi-generator-cli", *generate, *named, cwd=served)
    written = "".join(path.read_text() for path in (served / "r" / "R").glob("*_api.R"))
    document = json.loads((served / "openapi.json").read_text())
    for _, _, operation in operations(document):
        name = "".join(part[:1].upper() + part[1:] for part in operation["operationId"].split("_"))
        assert f"    {name} = function(" in written
    (served / "library").mkdir()
    install = ("R", "CMD", "INSTALL", "--no-docs", "--no-byte-compile", "--no-test-load")
    run(*install, "--library=library", "r", cwd=served)
    said = run("Rscript", HERE / "predict.R", "library", service.url, cwd=served)
    assert json.loads(said) == expected
