"""Configuration: defaults, what is read, and the one line for what cannot be."""

from __future__ import annotations

import pytest

from config import read_config
from errors import ConfigError


def test_nothing_set_is_a_configuration():
    assert read_config({}) == read_config({"MAX_ROWS": "", "UNRELATED": "x"})


def test_texts_become_what_they_are_for():
    config = read_config(
        {"MODELS": "credit, iris", "MAX_ROWS": "7", "REQUIRE_API_KEY": "1", "POLL_SECONDS": "0.5"}
    )
    assert config.models == ("credit", "iris")
    assert (config.max_rows, config.require_api_key, config.poll_seconds) == (7, True, 0.5)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_ROWS", "many", "int"),
        ("MAX_ROWS", "0", ">= 1"),
        ("POLL_SECONDS", "nan", "> 0"),
        ("DEFAULT_MODEL", "Sesame", "regex"),
        ("MODELS", "a,Sesame", "regex"),
        ("TRAINING_WORKER", "sesame", "embedded, external"),
        ("REQUIRE_API_KEY", "sesame", "bool"),
        ("ACCESS_LOG_SAMPLE", "2", "<= 1"),
        ("AIP_HTTP_PORT", "sesame", "int"),
        ("AIP_PREDICT_ROUTE", "sesame", "regex"),
        ("AIP_HEALTH_ROUTE", "/<sesame>", "regex"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected_and_not_shown(name, value, expected):
    with pytest.raises(ConfigError) as refused:
        read_config({name: value})
    line = str(refused.value)
    assert line.startswith(f"{name}: ")
    assert expected in line
    assert "\n" not in line
    assert "sesame" not in line.lower()


def test_the_attached_database_keeps_the_models_whatever_its_credentials():
    for password in ("before", "after"):
        url = f"postgres://u:{password}@h/d"
        config = read_config({"MODEL_STORE": "database", "DATABASE_URL": url})
        assert config.registry["model_store"] == config.store_address == url
    assert read_config({"MODEL_STORE": "./database"}).store_address == "./database"


@pytest.mark.parametrize("given", [{}, {"DATABASE_URL": "sqlite:///var/opensesame.db"}])
def test_no_database_is_attached(given):
    with pytest.raises(ConfigError, match=r"heroku addons:create heroku-postgresql$") as refused:
        read_config({"MODEL_STORE": "database", **given})
    assert "opensesame" not in str(refused.value)


@pytest.mark.parametrize("name", ["MODEL_STORE", "DATABASE_URL", "SIGNING_KEY"])
def test_a_variable_that_nobody_expanded_is_refused(name):
    given = {name: "$SESAME"}
    with pytest.raises(ConfigError, match=rf"^{name}: begins with \$") as refused:
        read_config(given)
    assert "SESAME" not in str(refused.value)
    assert ("MODEL_STORE=database" in str(refused.value)) == (name == "MODEL_STORE")


def test_a_training_may_use_what_is_left_unless_it_is_said():
    assert read_config({}).job_memory_limit is None
    assert read_config({"JOB_MEMORY_LIMIT": "4096"}).job_memory_limit == 4096
    with pytest.raises(ConfigError, match="JOB_MEMORY_LIMIT"):
        read_config({"JOB_MEMORY_LIMIT": "0"})


def test_vertex_s_port_is_where_it_listens() -> None:
    assert read_config({"PORT": "8001"}).http_port == 8001
    assert read_config({"PORT": "8001", "AIP_HTTP_PORT": "8080"}).http_port == 8080


def test_secrets_are_not_shown():
    given = {
        "API_KEYS": "opensesame",
        "SIGNING_KEY": "opensesame",
        "DATABASE_URL": "postgres://user:opensesame@host/db",
        "MODEL_STORE": "postgres://user:opensesame@host/db",
        "AWS_SECRET_ACCESS_KEY": "opensesame",
    }
    assert "opensesame" not in repr(read_config(given))


def test_a_configuration_cannot_be_changed():
    with pytest.raises(AttributeError):
        read_config({}).max_rows = 3  # type: ignore[misc]


def test_a_list_may_have_a_line_for_each() -> None:
    # What $(cat file) makes of a file with one key a line.
    assert read_config({"MODELS": "credit\niris, loans\n"}).models == ("credit", "iris", "loans")


def test_the_prediction_log_is_off_and_its_address_no_one_s():
    assert read_config({}).log_address == ""
    url = "postgres://u:opensesame@h/d"
    config = read_config({"PREDICTION_LOG": "database", "DATABASE_URL": url})
    assert config.log_address == url
    assert "opensesame" not in repr(config)
    with pytest.raises(ConfigError, match=r"PREDICTION_LOG: database is that of DATABASE_URL"):
        read_config({"PREDICTION_LOG": "database"})
    for name, value in (("SAMPLE", "2"), ("DAYS", "0"), ("MB", "-1"), ("SPOOL_MB", "0")):
        with pytest.raises(ConfigError, match=f"PREDICTION_LOG_{name}: "):
            read_config({f"PREDICTION_LOG_{name}": value})
