"""The code beside the form: each program is run, and sends the very row, whatever is in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serving.pages.snippets import KEY, WRITERS, address_of, snippets
from tests.conftest import require
from tests.serving.pages.conftest import INSTALL, TOOLS

ROW = {
    "age": 30,
    "income": -12.5,
    "rate": 1e-7,
    "home": "rent",
    "records": True,
    "debt": None,
    'it\'s "quoted" \\ $HOME `id` %s {{x}} #{y}': "it's \"quoted\" \\n $HOME $(id) `id` '''",
    "linha\nnova\ttab": "emoji 🦜 ação \u2028 \u0085 </script> ${x} !! \r\n fim",
    "__proto__": "own",
    "a=b": "@file",
    "ação 🦜": "é",
}
PROGRAMS = {
    "curl": ("sh", "curl", "apt-get install curl"),
    "Python": (sys.executable, sys.executable, ""),
    "R": ("Rscript", "Rscript", "apt-get install r-base-core r-cran-httr2 r-cran-jsonlite"),
    "JavaScript": ("node", "node", INSTALL),
}


class Heard(ThreadingHTTPServer):
    """A server that keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keep)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []


class _Keep(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"heard": true}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def heard():
    server = Heard()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("language", WRITERS)
def test_each_program_sends_the_very_row(heard, tmp_path, language, closed):
    program, needed, install = PROGRAMS[language]
    path = f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
    require(shutil.which(needed, path=path) is not None, needed, install)
    base = f"http://127.0.0.1:{heard.server_port}"
    file = tmp_path / "program"
    file.write_text(snippets(base, "my-model", ROW, closed)[language], "utf-8")
    environ = {
        **os.environ,
        "PATH": path,
        KEY: "mirante_k'\"$x",
        "LC_ALL": "C.UTF-8",
        "no_proxy": "*",
    }
    done = subprocess.run(
        [program, str(file)], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "heard" in done.stdout
    path, headers, body = heard.asked.pop()
    assert path == "/v0/models/my-model/predict"
    assert headers["content-type"].startswith("application/json")
    assert headers.get("x-api-key") == (environ[KEY] if closed else None)
    assert json.loads(body) == ROW


def test_no_program_has_a_key_in_it():
    for text in snippets("https://a.example", "m", {"a": 1}, True).values():
        assert KEY in text
        assert address_of("https://a.example", "m") in text
