"""The slug: built where there is nothing, moved, and started with what a dyno has."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from serving.auth import new_key
from tests.conftest import ROOT, require
from tests.servers import INSTALL_POSTGRES, PostgresServer, find_postgres, postgres_server
from tests.service import CREDIT_ROW, Service, serve_tree
from tests.test_repository import asked_settings, copy_of, slug_patterns

NOTHING = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
# What every dyno has: the platform's names, and the two exports of the buildpack's .profile.d.
DYNO = NOTHING | {
    "DYNO": "web.1",
    "FORWARDED_ALLOW_IPS": "*",
    "GUNICORN_CMD_ARGS": "--access-logfile -",
}
SECRETS = ("7f" * 32, "3a" * 32)
REFUSED = "mirante: the model store outlives this disk, and keys made here would not"


def run(command: Sequence[str], tree: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=tree, env=NOTHING | settings, capture_output=True, text=True, check=False
    )


def built(folder: Path, **settings: str) -> Path:
    """Return the tree that Heroku would build, after bin/post_compile, under another path."""
    tree = copy_of(ROOT, folder / "build_4d1f")
    for pattern in slug_patterns(ROOT):
        for path in tree.glob(pattern.removeprefix("/")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = run(["bin/post_compile"], tree, **settings)
    assert done.returncode == 0, done.stderr
    return tree.rename(folder / "app")


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slug that was built with no setting at all."""
    return built(tmp_path_factory.mktemp("first"))


@pytest.fixture
def dyno(slug: Path, tmp_path: Path) -> Path:
    """A fresh disk with the slug on it, as every start of a dyno has one."""
    return shutil.copytree(slug, tmp_path / "app", symlinks=True)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """The add-on."""
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as server:
        yield server


def version(service: Service) -> str:
    answer = requests.post(f"{service.url}/v0/predict", json=CREDIT_ROW, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model"]["version"])


def version_on(tree: Path, **settings: str) -> str:
    with serve_tree(tree, DYNO | settings) as service:
        return version(service)


def version_in(slug: Path) -> str:
    (path,) = (slug / "models/credit/versions").iterdir()
    return path.name


def test_the_version_of_python_is_where_the_buildpack_looks(slug: Path) -> None:
    assert [path.name for path in slug.iterdir() if "python" in path.name] == [".python-version"]
    # The newest patch of a minor version; the buildpack refuses anything but numbers.
    assert re.fullmatch(r"3\.\d+\n", (slug / ".python-version").read_text())


def test_the_build_s_folder_is_named_nowhere(slug: Path) -> None:
    name = b"build_4d1f"
    files = [path for path in slug.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert any("models" in path.parts for path in files)
    assert [path for path in files if name in path.read_bytes()] == []


def test_a_key_set_after_the_push_leaves_the_model_that_answers(slug: Path, dyno: Path) -> None:
    assert version_on(dyno) == version_in(slug)
    for secret in SECRETS:
        assert version_on(dyno, SIGNING_KEY=secret) == version_in(slug)
        assert run([sys.executable, "test_model.py"], dyno, SIGNING_KEY=secret).returncode == 0


def test_the_settings_of_app_json_build_and_answer(tmp_path: Path) -> None:
    settings = asked_settings(ROOT)
    assert "SIGNING_KEY" in settings
    tree = built(tmp_path, **settings)
    assert version_on(tree, **settings) == version_in(tree)


def test_a_store_elsewhere_without_a_key_is_refused_at_the_build_and_at_the_start(
    dyno: Path,
) -> None:
    settings = {"MODEL_STORE": "database", "DATABASE_URL": "postgres://u:geheim@127.0.0.1:9/d"}
    start = run(["gunicorn", "app:asgi"], dyno, DYNO="web.1", PORT="0", **settings)
    for refused in (run(["bin/post_compile"], dyno, **settings), start):
        assert refused.returncode != 0
        assert refused.stderr.splitlines()[-1].startswith(REFUSED)
        assert "heroku config:set SIGNING_KEY=$(openssl rand -hex 32)" in refused.stderr
        assert "geheim" not in refused.stderr
        assert "Traceback" not in refused.stderr


def test_two_pushes_over_one_database(
    slug: Path, dyno: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    settings = {
        "MODEL_STORE": "database",
        "DATABASE_URL": postgres.url,
        "SIGNING_KEY": SECRETS[0],
        "TRAINING_WORKER": "external",
    }
    # The variable is set on a running application: the slug's model fills the empty store.
    assert version_on(dyno, **settings) == version_in(slug)
    second = built(tmp_path / "second", **settings)
    assert version_in(second) != version_in(slug)
    assert version_on(second, **settings) == version_in(slug)


def test_a_client_of_a_dyno_does_not_choose_its_address(dyno: Path) -> None:
    _, key = new_key("tester", ["train"])
    with serve_tree(dyno, DYNO | {"API_KEYS": key.entry(), "WEB_CONCURRENCY": "1"}) as service:
        statuses = [guess(service, f"203.0.113.{number}") for number in range(40)]
        assert statuses == [401] * 10 + [429] * 30
        log = service.log.read_text()
    # gunicorn's access log, which the export asks for, stays off: the service writes its own.
    assert not re.search(r'"(GET|POST) /', log), log


def guess(service: Service, address: str) -> int:
    headers = {"X-Forwarded-For": address, "Authorization": "Bearer mirante_guessed"}
    return requests.get(f"{service.url}/v0/jobs", headers=headers, timeout=10).status_code


def test_the_files_of_another_package_manager_are_gone_where_slugignore_comes_late(
    tmp_path: Path,
) -> None:
    for name in ("Pipfile.lock", "requirements.txt", "requirements-s3.txt"):
        (tmp_path / name).touch()
    (tmp_path / "bin").mkdir()
    shutil.copy2(ROOT / "bin/pre_compile", tmp_path / "bin")
    for environ, left in (({}, 3), ({"BUILD_DIR": "/"}, 3), ({"BUILD_DIR": str(tmp_path)}, 1)):
        done = run(["bin/pre_compile"], tmp_path, **environ)
        assert (done.returncode, done.stderr) == (0, "")
        assert len([path for path in tmp_path.iterdir() if path.is_file()]) == left
    assert (tmp_path / "Pipfile.lock").exists()
