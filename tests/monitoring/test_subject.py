from __future__ import annotations

from monitoring.subject import select
from tables.schema import Feature, Schema, Target
from tests.monitoring.samples import changed
from tests.serving.factory import SIGNATURE, make_live

TEXTS = Schema((Feature("note", "text"), *SIGNATURE.features), SIGNATURE.target)


def names(schema: Schema, key: bytes = b"") -> list[str]:
    subject = select(make_live(schema=schema), 0, 1.0, key).subject
    return [column.name for column in subject.columns]


def test_everything_but_texts_is_kept() -> None:
    assert names(TEXTS) == ["age", "income", "home", "records"]
    assert select(make_live(), 0, 1.0, b"").columns is None
    assert names(changed(TEXTS, "note", log=True))[-1] == "note"


def test_what_a_recipe_leaves_out_is_not_kept() -> None:
    selection = select(make_live(schema=changed(SIGNATURE, "income", log=False)), 0, 1.0, b"")
    assert selection.columns is not None
    assert selection.columns.tolist() == [0, 2, 3]
    assert selection.subject.width == 3


def test_a_hashed_feature_needs_a_key_and_shows_no_word() -> None:
    schema = changed(SIGNATURE, "home", log="hash")
    assert "home" not in names(schema)
    words = [
        select(make_live(schema=schema), 0, 1.0, key).subject.columns[2].words
        for key in (b"one", b"one", b"other")
    ]
    assert words[0] == words[1]
    assert not set(words[0]) & {*words[2], "owner", "rent"}
    # The hash of a number would be found by trying all of them.
    assert "age" not in names(changed(SIGNATURE, "age", log="hash"), b"key")


def test_a_subject_says_whose_rows_they_are() -> None:
    subject = select(make_live(schema=SIGNATURE), 3, 0.5, b"").subject
    assert (subject.number, subject.model, subject.share) == (3, "credit", 0.5)
    assert (subject.target, subject.classes) == ("approved", (False, True))
    quantity = Schema(SIGNATURE.features, Target("price", task="regression"))
    assert select(make_live(schema=quantity), 0, 1.0, b"").subject.task == "regression"
