"""Tweets: is what a tweet says positive or negative?"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from learning.frequencies import words
from learning.recipe import Recipe
from tables.readers import read_table

recipe = Recipe(
    name="tweets",
    target="sentiment",
    load=partial(read_table, Path(__file__).parent.parent / "data" / "tweets.csv"),
    # Summed word frequencies, or TF-IDF: whichever has the lower log loss in cross-validation.
    estimator=words,
    kinds={"text": "text"},
    protocols=("keyed",),
)
