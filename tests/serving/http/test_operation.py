from __future__ import annotations

import msgspec

from serving.http.operation import (
    OBJECT,
    TEXT,
    Operation,
    content,
    described,
    listed,
    members,
    operation_of,
    order_schema,
)


def test_a_view_carries_its_operation_and_stays_itself() -> None:
    operation = Operation("Health", "Is it well?", {})

    @described(operation)
    def view() -> str:
        return "well"

    assert view() == "well"
    assert operation_of(view) is operation
    assert operation_of(lambda: None) is None


def test_content_of_an_object_and_of_a_list() -> None:
    named = members("name", name=TEXT, url=TEXT)
    assert named == {
        "type": "object",
        "properties": {"name": TEXT, "url": TEXT},
        "required": ["name"],
    }
    assert content(named) == {"application/json": {"schema": named}}
    items = {"type": "array", "items": OBJECT}
    assert listed("jobs") == content(members("jobs", jobs=items))


class Order(msgspec.Struct):
    """An order."""

    recipe: str | None = None


def test_an_orders_schema_is_its_structs_with_what_it_does_not_have() -> None:
    schema = order_schema(Order, file=TEXT)
    assert set(schema["properties"]) == {"recipe", "file"}
    assert not {"title", "description"} & set(schema)
