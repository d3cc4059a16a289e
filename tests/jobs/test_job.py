from __future__ import annotations

import msgspec
import pytest

from jobs.job import FINAL, Job, Order, Result, State, document, moment

ORDER = Order("mine", target="good", parameters={"a": 1, "b": 2}, seed=3)


def job(state: State = "queued", **more: object) -> Job:
    return Job("j1", "mine", state, ORDER, "somebody", 0.0, **more)  # type: ignore[arg-type]


def test_the_same_order_has_the_same_digest_however_it_is_spelt() -> None:
    to_cells = b'{"seed":3,"parameters":{"b":2,"a":1},"target":"good","name":"mine"}'
    assert msgspec.json.decode(to_cells, type=Order).digest() == ORDER.digest()


@pytest.mark.parametrize("change", [{"seed": 4}, {"parameters": {}}, {"promote": "always"}])
def test_another_order_has_another_digest(change: dict[str, object]) -> None:
    assert msgspec.structs.replace(ORDER, **change).digest() != ORDER.digest()


def test_an_order_with_a_word_that_there_is_not_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="recipee"):
        msgspec.json.decode(b'{"name":"mine","recipee":"credit"}', type=Order)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_that_goes_on_is_not_final(state: State) -> None:
    assert not job(state).is_final
    assert all(job(ended).is_final for ended in FINAL)


def test_a_job_is_shown_without_the_keys_that_do_not_apply() -> None:
    shown = document(job())
    assert shown["created_at"] == "1970-01-01T00:00:00Z"
    assert shown["order"] == {
        "name": "mine",
        "target": "good",
        "parameters": {"a": 1, "b": 2},
        "seed": 3,
    }
    assert not {"stage", "error", "version", "started_at", "data_kept", "log"} & shown.keys()


def test_a_finished_job_is_shown_with_what_it_made() -> None:
    done = job("succeeded", result=Result("v1", True, "good"), upload="u", fraction=1 / 3)
    shown = document(done, ["a line"])
    assert (shown["version"], shown["promoted"], shown["reason"]) == ("v1", True, "good")
    assert (shown["data_kept"], shown["log"], shown["fraction"]) == (False, ["a line"], 0.3333)


def test_no_time_is_none() -> None:
    assert moment(None) is None
    assert moment(86400.9) == "1970-01-02T00:00:00Z"
