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
        read_config({}).max_rows = 3
