from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.archive import Archive
from monitoring.truths import arrived, keep, known_text, read, text_of, value_of
from persistence.stores.memory import MemoryStore
from tables.schema import Target

YES = Target("approved", (False, True))
NUMBERS = Target("naics", (1, 2, 11))
WORDS = Target("species", ("setosa", "true"))
PRICE = Target("price", (), "regression")


@pytest.mark.parametrize(
    ("target", "truth", "value"),
    [
        (YES, True, 1),
        (YES, "False", 0),
        (YES, "yes", 1),
        (YES, 1, 1),
        (YES, 2, None),
        (YES, "maybe", None),
        (NUMBERS, 11, 2),
        (NUMBERS, "2", 1),
        (NUMBERS, 2.0, 1),
        (NUMBERS, 3, None),
        (WORDS, "setosa", 0),
        (WORDS, True, 1),
        (WORDS, "Setosa", None),
        (WORDS, 1, None),
        (PRICE, 2.5, 2.5),
        (PRICE, "3", 3.0),
        (PRICE, "nan", None),
        (PRICE, "1_000", None),
        (PRICE, "cheap", None),
    ],
)
def test_a_truth_is_a_class_or_a_number(target: Target, truth, value) -> None:
    assert value_of(text_of(truth), target) == value


def test_a_class_is_kept_by_its_name() -> None:
    assert known_text("Yes", YES) == "true"
    assert known_text("2.0", NUMBERS) == "2"
    assert known_text("2.50", PRICE) == "2.50"


def test_the_last_truth_of_an_id_counts() -> None:
    archive = Archive(MemoryStore())
    now = datetime.now(UTC)
    assert read(archive, now).num_rows == 0
    keep(archive, {"a": "1", "b": "2"})
    keep(archive, {"a": "3", "c": "4"})
    keep(archive, {})
    table = read(archive, now)
    found = dict(zip(table["id"].to_pylist(), table["truth"].to_pylist(), strict=True))
    assert found == {"a": "3", "b": "2", "c": "4"}
    assert read(archive, now + timedelta(hours=3)).num_rows == 0


def test_a_truth_arrives_once_and_its_correction_does_not_arrive_again() -> None:
    archive, start = Archive(MemoryStore()), datetime.now(UTC)
    keep(archive, {"one": "true", "two": "true"})
    middle = datetime.now(UTC)
    keep(archive, {"one": "false", "three": "true"})
    keep(archive, {"three": "false"})
    end = datetime.now(UTC)

    def between(low: datetime, high: datetime) -> dict[str, str]:
        found = arrived(archive, start - timedelta(days=1), low, high).to_pylist()
        return {row["id"]: row["truth"] for row in found}

    assert between(start, middle) == {"one": "true", "two": "true"}
    assert between(middle, end) == {"three": "false"}
    assert between(start, end) == {"one": "false", "two": "true", "three": "false"}
    assert between(end, end + timedelta(hours=1)) == {}
