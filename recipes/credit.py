"""Credit scoring: is an application approved? 4,454 of them, by a random forest."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from learning.families.forest import forest
from learning.recipe import Recipe
from tables.readers import read_table

DATA = Path(__file__).resolve().parent.parent / "data" / "credit.csv"

recipe = Recipe(
    name="credit",
    target="approved",
    load=partial(read_table, DATA),
    estimator=forest,
    kinds={"approved": "boolean"},
    parameters={"n_estimators": 200, "max_depth": 10, "min_samples_leaf": 5},
    # The table is public: pages may show rows of it.
    show_rows=True,
    # What clients in Portuguese send.
    aliases={
        "home": {
            "aluguel": "rent",
            "ignorar": "ignore",
            "outro": "other",
            "pais": "parents",
            "privado": "priv",
            "propria": "owner",
        },
        "marital": {
            "casado": "married",
            "divorciado": "divorced",
            "separado": "separated",
            "solteiro": "single",
            "viuvo": "widow",
        },
        "job": {
            "fixo": "fixed",
            "freelancer": "freelance",
            "outros": "others",
            "parcial": "partime",
        },
    },
)
