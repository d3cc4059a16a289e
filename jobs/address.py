"""The database's address: checked at every start, without the libraries that open it."""

from __future__ import annotations

from pathlib import Path

from errors import ConfigError


def check_address(url: str) -> None:
    """Raise ConfigError for a URL that is none, or a file whose folder cannot be made.

    The libraries of databases take longer to import than all the rest of a
    service that only predicts; PostgreSQL's own is needed to read its URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        _check_file(Path(rest[1:]))
    elif scheme in ("postgres", "postgresql"):
        _check_postgres(f"postgresql://{rest}")
    else:
        raise ConfigError("DATABASE_URL: expected sqlite:///path, postgres:// or postgresql://")


def _check_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"DATABASE_URL: its folder cannot be made: {error.strerror}") from None


def _check_postgres(url: str) -> None:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        raise ConfigError("DATABASE_URL: not an address of PostgreSQL") from None
