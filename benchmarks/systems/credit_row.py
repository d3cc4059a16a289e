"""One row as a pydantic model, as FastAPI's documentation has a body declared."""

from __future__ import annotations

from pydantic import BaseModel


class Row(BaseModel):
    seniority: int
    home: str | None
    time: int
    age: int
    marital: str | None
    records: str
    job: str | None
    expenses: int
    income: float | None
    assets: float | None
    debt: float | None
    amount: int
    price: int


class Answer(BaseModel):
    approved: bool
    probability: float
