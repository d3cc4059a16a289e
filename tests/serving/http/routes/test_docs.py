"""The documentation page: whole, from the project's own files."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from serving.http.routes.docs import FILES, FOLDER, docs_blueprint


@pytest.fixture
def client():
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(docs_blueprint())
    return app.test_client()


def test_the_page_and_everything_that_it_names_is_served(client):
    with client.get("/docs") as page:
        assert page.mimetype == "text/html"
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {name.removeprefix("docs/") for name in named} == set(FILES)
    for name in named:
        with client.get(f"/{name}") as answer:
            assert answer.status_code == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_asks_nobody_else(client):
    with client.get("/docs") as page:
        policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for name in ("index.html", "start.js"):
        assert "//" not in re.sub(r"(?m)^//.*", "", (FOLDER / name).read_text())


@pytest.mark.parametrize("path", ["/docs/LICENSE", "/docs/../docs.py", "/docs/%2e%2e/docs.py"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404


def test_the_licence_lies_beside_what_was_taken():
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
