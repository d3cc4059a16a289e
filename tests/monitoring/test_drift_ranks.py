"""Ranks: uniform and independent where nothing changed, as one row after another has them."""

from __future__ import annotations

import numpy as np

from monitoring.drift_ranks import counts_of, ranks


def plainly(groups: list[int], bag: list[int], uniform: list[float]) -> list[float]:
    found, counts = [], list(bag)
    for group, chance in zip(groups, uniform, strict=True):
        counts[group] += 1
        found.append((sum(counts[:group]) + chance * counts[group]) / sum(counts))
    return found


def test_a_block_is_ranked_as_its_rows_would_be_one_by_one() -> None:
    random = np.random.default_rng(0)
    groups, uniform = random.integers(0, 5, (3, 40)), random.random((3, 40))
    bag = random.integers(0, 20, (3, 1, 5)).astype(np.float64)
    found, after = ranks(groups, bag, uniform)
    for lane in range(3):
        expected = plainly(groups[lane].tolist(), bag[lane, 0].tolist(), uniform[lane].tolist())
        np.testing.assert_allclose(found[lane], expected)
    assert after.sum() == bag.sum() + 120
    split, _ = ranks(
        groups[:, 15:], ranks(groups[:, :15], bag, uniform[:, :15])[1], uniform[:, 15:]
    )
    np.testing.assert_allclose(split, found[:, 15:])


def test_in_strata_a_row_is_ranked_among_its_own() -> None:
    random = np.random.default_rng(1)
    groups, strata = random.integers(0, 2, 60), random.integers(0, 3, 60)
    uniform, bag = random.random(60), np.array([[3.0, 4], [0, 0], [9, 1]])
    found, after = ranks(groups, bag, uniform, strata)
    for one in range(3):
        mine = strata == one
        expected = plainly(groups[mine].tolist(), bag[one].tolist(), uniform[mine].tolist())
        np.testing.assert_allclose(found[mine], expected)
    assert after.tolist() == (bag + counts_of(strata * 2 + groups, 6).reshape(3, 2)).tolist()


def test_ranks_are_uniform_and_independent_however_few_rows_training_had() -> None:
    random = np.random.default_rng(2)
    shares = [0.5, 0.3, 0.15, 0.05]
    bag = random.multinomial(20, shares, size=4000)[:, None, :].astype(np.float64)
    groups = random.choice(4, (4000, 30), p=shares)
    found, _ = ranks(groups, bag, random.random(groups.shape))
    counts, _ = np.histogram(found, 20, (0, 1))
    assert np.abs(counts / found.size - 0.05).max() < 0.003
    assert abs(np.corrcoef(found[:, 0], found[:, -1])[0, 1]) < 0.06
    # Ranks in training's rows alone would not be independent: an odd sample makes all odd.
    assert found.mean(axis=1).std() < 1.1 * np.sqrt(1 / 12 / 30)


def test_rows_of_another_distribution_are_ranked_otherwise() -> None:
    random = np.random.default_rng(3)
    bag = np.array([[500.0, 500.0]])
    found, _ = ranks(random.choice(2, 1000, p=[0.3, 0.7]), bag, random.random(1000))
    assert found.mean() > 0.55


def test_a_group_that_training_had_none_of_is_ranked_first() -> None:
    found, _ = ranks(np.array([0]), np.array([[0.0, 99.0]]), np.array([0.5]))
    assert found.tolist() == [0.005]
