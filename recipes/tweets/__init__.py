"""Tweets: is what a tweet says positive or negative?"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from learning.recipe import Recipe
from recipes.tweets.scorers import words
from tables.readers import read_table

DATA = Path(__file__).resolve().parents[2] / "data" / "tweets.csv"

recipe = Recipe(
    name="tweets",
    target="sentiment",
    load=partial(read_table, DATA),
    # Summed word frequencies, or TF-IDF: whichever has the lower log loss in cross-validation.
    estimator=words,
    kinds={"text": "text"},
    protocols=("keyed",),
)
