from __future__ import annotations

from flask import Flask

from serving.http.routes.exposition import metrics_blueprint


def test_the_route_answers_with_the_text_format() -> None:
    app = Flask(__name__)
    app.register_blueprint(metrics_blueprint(lambda: b"a 1\n"))
    answer = app.test_client().get("/metrics")
    assert answer.data == b"a 1\n"
    assert answer.mimetype == "text/plain"
    assert "version=" in answer.headers["Content-Type"]
