"""A challenger answers beside the champion, for the log alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring import prediction_log as module
from monitoring.shadow import Shadow, Translation, Untranslatable
from serving.champions import Live
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target
from tests.monitoring.samples import Logged, changed, make_logged
from tests.serving.factory import ROW, SIGNATURE, ask, make_live

ROWS = [ROW, ROW | {"home": None, "age": 99}, ROW | {"home": "a cave", "income": None}]
V2 = "20261124t000000z-000002"


def shadowed(folder: Path, live: Live | None) -> tuple[Logged, Counter[str]]:
    counts: Counter[str] = Counter()

    def count(outcome: str, rows: int) -> None:
        counts[outcome] += rows

    return make_logged(folder, shadow=Shadow(lambda name: live, count)), counts


def challenger(schema: Schema = SIGNATURE) -> Live:
    return make_live(version=V2, schema=schema)


def test_the_log_has_both_answers(tmp_path: Path) -> None:
    # It reads another column first, and so answers otherwise.
    other = Schema(SIGNATURE.features[::-1], SIGNATURE.target)
    logged, counts = shadowed(tmp_path, challenger(other))
    answer = ask(logged.service, "/v0/predict", ROWS)
    logged.log.close()
    rows = logged.rows()
    assert answer is not None
    assert [row["shadow_version"] for row in rows] == [V2] * 3
    expected = challenger(other).predict(RowCodec(other).encode_objects(ROWS))
    said, _ = challenger().task.served([expected])
    np.testing.assert_allclose([row["shadow_probabilities"] for row in rows], said, atol=1e-7)
    assert rows[0]["probabilities"] != rows[0]["shadow_probabilities"]
    assert {row["shadow_answer"] for row in rows} <= {"true", "false"}
    assert counts == {"answered": 3}


@pytest.mark.parametrize("live", [None, make_live()])
def test_without_another_version_there_is_no_shadow(tmp_path: Path, live: Live | None) -> None:
    logged, counts = shadowed(tmp_path, live)
    ask(logged.service, "/v0/predict", ROWS)
    logged.log.close()
    assert "shadow_version" not in logged.rows()[0]
    assert counts == {}


def test_a_challenger_that_fails_costs_no_row(tmp_path: Path) -> None:
    live = challenger()
    live.runtime.outputs = lambda batch: np.full((len(batch.matrix), 2), np.nan)  # type: ignore[method-assign]
    logged, counts = shadowed(tmp_path, live)
    ask(logged.service, "/v0/predict", ROWS)
    logged.log.close()
    assert [row["answer"] is not None for row in logged.rows()] == [True] * 3
    assert counts == {"fault": 3}
    assert logged.counts == {"written": 3}


def test_rows_beyond_what_may_wait_are_logged_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SHADOWED", 2)
    monkeypatch.setattr(module, "WRITE_EVERY", 5.0)
    logged, counts = shadowed(tmp_path, challenger())
    for _ in range(3):
        ask(logged.service, "/v0/predict", ROW)
    logged.log.close()
    rows = logged.rows()
    assert len(rows) == 3
    assert counts == {"queue_full": 1, "answered": 2}
    assert sorted(str(row["shadow_version"]) for row in rows) == [V2, V2, "None"]
    assert [row["shadow_probabilities"] is None for row in rows].count(True) == 1


def test_words_have_the_codes_of_the_one_that_answers() -> None:
    (home,) = (f for f in SIGNATURE.features if f.name == "home")
    other = changed(SIGNATURE, "home", categories=("a cave", *home.categories[::-1]))
    codec = RowCodec(SIGNATURE)
    codec.keeps_words = True
    decoded = make_decoded(codec)
    found = Translation(SIGNATURE, other).batch([decoded, decoded])
    expected = RowCodec(other).encode_objects([*ROWS, *ROWS])
    np.testing.assert_array_equal(found.matrix, expected.matrix)


def make_decoded(codec: RowCodec) -> Any:
    logged: list[Any] = []
    live = make_live()
    live.codec.keeps_words = True
    from tests.serving.factory import make_service

    class Log:
        def is_chosen(self) -> bool:
            return True

        def note(self, answered: Any) -> None:
            logged.append(answered)

    ask(make_service(live, prediction_log=Log()), "/v0/predict", ROWS)
    return logged[0].decoded


@pytest.mark.parametrize(
    "schema",
    [
        Schema((*SIGNATURE.features, Feature("debt", "number")), SIGNATURE.target),
        Schema((*SIGNATURE.features, Feature("note", "text")), SIGNATURE.target),
        changed(SIGNATURE, "home", kind="number", categories=()),
        Schema(SIGNATURE.features, Target("approved", ("no", "yes"))),
    ],
)
def test_what_the_champion_does_not_read_cannot_be_answered(tmp_path: Path, schema: Schema) -> None:
    with pytest.raises(Untranslatable):
        Translation(SIGNATURE, schema)
    logged, counts = shadowed(tmp_path, make_live(version=V2, schema=schema))
    ask(logged.service, "/v0/predict", ROWS)
    logged.log.close()
    assert (counts, logged.counts) == ({"fault": 3}, {"written": 3})
