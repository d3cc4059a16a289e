"""The database's address: what is refused, and that looking imports no database's library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from errors import ConfigError
from jobs.address import check_address


@pytest.mark.parametrize("url", ["", "x.db", "sqlite://", "sqlite:///", "mysql://u:geheim@h/d"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="expected sqlite:///path, postgres://") as refused:
        check_address(url)
    assert "geheim" not in str(refused.value)


def test_what_is_no_address_of_postgresql_is_refused() -> None:
    with pytest.raises(ConfigError, match="not an address of PostgreSQL") as refused:
        check_address("postgres://u:geheim%ZZ@h/d")
    assert "geheim" not in str(refused.value)


def test_a_file_s_folder_is_made_or_refused(tmp_path: Path) -> None:
    check_address(f"sqlite:///{tmp_path}/var/jobs.db")
    assert [path.name for path in tmp_path.iterdir()] == ["var"]
    assert list((tmp_path / "var").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="its folder cannot be made"):
        check_address(f"sqlite:///{tmp_path}/file/jobs.db")


def test_a_service_s_start_imports_no_library_of_databases(tmp_path: Path, root: Path) -> None:
    program = "import app, sys; app.refuse_bad_settings(); print(*sorted(sys.modules))"
    environ = {"MODEL_STORE": f"{tmp_path}/models", "DATABASE_URL": f"sqlite:///{tmp_path}/j.db"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environ, capture_output=True, check=True
    )
    loaded = set(done.stdout.decode().split())
    assert "flask" in loaded
    assert not loaded & {"peewee", "psycopg", "huey", "sklearn", "onnxruntime"}
