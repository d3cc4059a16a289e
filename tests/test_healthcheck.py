"""The containers' health check, against servers that answer, refuse, keep silent or speak TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT, require
from tests.servers import free_port


def check(path: str, **environ: str) -> tuple[int, str]:
    """Run it as an engine does, with nothing but a container's variables."""
    done = subprocess.run(
        [sys.executable, ROOT / "bin/healthcheck", path],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


class Answering(BaseHTTPRequestHandler):
    """Answers the path /livez with 200 and any other with 503."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Dual(HTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def web(
    tls: tuple[Path, Path] | None = None,
    kind: type[HTTPServer] = HTTPServer,
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """Answer until the block ends; gives the port."""
    with kind((host, 0), Answering) as server, ThreadPoolExecutor(1) as pool:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        pool.submit(server.serve_forever, 0.05)
        yield str(server.server_port)
        server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for another name than the loopback's, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "server.crt", folder / "server.key"
    named = ["--host=models.example", f"--cert={files[0]}", f"--key={files[1]}"]
    subprocess.run([sys.executable, ROOT / "bin/make_certificate", *named], check=True)
    return files


def test_the_status_of_the_path_is_what_counts():
    with web() as port:
        assert check("/livez", PORT=port) == (0, "")
        assert check("/readyz", PORT=port)[0] == 1


def test_a_service_behind_tls_is_well_whatever_its_certificate_says(certificate):
    with web(certificate) as port:
        assert check("/livez", PORT=port) == (0, "")
        assert check("/readyz", PORT=port)[0] == 1


@pytest.mark.parametrize("host", ["::", "::1", "[::1]"])
def test_a_service_on_ipv6_is_asked_there(host):
    with web(kind=Dual, host="::1") as port:
        assert check("/livez", PORT=port, HOST=host) == (0, "")
        assert check("/livez", PORT=port, HOST="0.0.0.0")[0] == 1


def test_an_address_of_its_own_is_asked_there():
    with web(host="127.0.0.2") as port:
        assert check("/livez", PORT=port, HOST="127.0.0.2") == (0, "")


def test_the_platforms_port_counts_where_none_is_set():
    with web() as port:
        # /ping is answered with 503 here: what is tried is whether it is asked at all.
        assert check("/ping", SAGEMAKER_BIND_TO_PORT=port) == (1, "")
        assert check("/ping", SAGEMAKER_BIND_TO_PORT="1", PORT=port) == (1, "")


def test_whoever_does_not_listen_or_keeps_silent_is_not_well():
    assert check("/livez", PORT=str(free_port())) == (1, "healthcheck: ConnectionRefusedError\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        assert check("/livez", PORT=port) == (1, "healthcheck: TimeoutError\n")


@pytest.mark.parametrize("words", ["", "livez"])
def test_it_says_what_it_expects(words):
    assert check(words) == (2, "healthcheck: expected a path, or grpc\n")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_grpc_server_is_asked_by_its_own_health_service(secure, certificate):
    require(find_spec("grpc_health") is not None, "gRPC", "pip install -r requirements-grpc.txt")
    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

    server = grpc.server(ThreadPoolExecutor(2))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    environ = {"HOST": "0.0.0.0"}
    if secure:
        pair = [(certificate[1].read_bytes(), certificate[0].read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
        environ["GRPC_CERTIFICATE"] = str(certificate[0])
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    environ["GRPC_PORT"] = str(port)
    server.start()
    try:
        servicer.set("", health_pb2.HealthCheckResponse.SERVING)
        assert check("grpc", **environ) == (0, "")
        servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        assert check("grpc", **environ) == (1, "")
    finally:
        server.stop(None).wait()
    assert check("grpc", **environ)[0] == 1
