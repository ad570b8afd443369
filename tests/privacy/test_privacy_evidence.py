"""The evidence about each original patch, against plain loops; unions of sets; what controls are given."""

import numpy as np
import pandas as pd
import pytest

from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.privacy import controls
from pathgen.privacy.attack_features import Evidence, closeness_threshold, gather, gather_within_members
from pathgen.privacy.class_audit import compare, known_sets
from pathgen.privacy.density import fit_projection
from pathgen.privacy.nearest_pairs import MEASURES, Pool, Seen
from pathgen.privacy.slide_breakdown import most_exposed


def patches(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def pool_of(members: np.ndarray, nonmembers: np.ndarray) -> Pool:
    return Pool(members, nonmembers, fit_projection(patches(99, 30)), "square", 1, 2, "cpu")


@pytest.fixture(scope="module")
def pool() -> Pool:
    return pool_of(patches(0, 7), patches(1, 9))


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(((a.astype(float) - b) ** 2).mean()))


def test_matches_of_a_union_are_those_of_both_together(pool: Pool) -> None:
    first, second = patches(2, 11), patches(3, 6)
    united = pool.see(first).together_with(pool.see(second))
    together = pool.see(np.concatenate([first, second]))
    np.testing.assert_allclose(united.coordinates, together.coordinates, atol=1e-4)
    for measure in ("l2", "features"):  # shortlists of shifts depend on the set
        for name, expected in vars(together.matches[measure]).items():
            np.testing.assert_allclose(getattr(united.matches[measure], name), expected, atol=1e-6)


def test_evidence_equals_the_loop(pool: Pool) -> None:
    synthetic, reference = patches(4, 30), patches(5, 12)
    originals = np.concatenate([pool.members, pool.nonmembers])
    evidence = gather(pool.see(synthetic), pool.see(reference), 0.9, pool.coordinates)
    described, own = texture_v1(synthetic), texture_v1(originals)
    for measure, a, b in (("l2", synthetic, originals), ("features", described, own)):
        votes = np.zeros(16)
        for image in a:
            votes[np.argmin([rms(image, original) for original in b])] += 1
        np.testing.assert_array_equal(evidence.votes[measure], votes)
        nearest = [min(rms(image, original) for image in a) for original in b]
        np.testing.assert_allclose(evidence.distance[measure], nearest)
    fresh = [min(rms(image, original) for image in reference) for original in originals]
    np.testing.assert_allclose(evidence.reference_distance["l2"], fresh)
    assert evidence.is_member.tolist() == [True] * 7 + [False] * 9
    assert 0 < evidence.close_votes.sum() < evidence.votes["ncc"].sum() == 30
    assert (evidence.close_votes <= evidence.votes["ncc"]).all()
    at, places = pool.coordinates, pool.projection.coordinates(synthetic)
    gaps = np.array([[np.linalg.norm(x - s) for s in places] for x in at])
    np.testing.assert_allclose(
        evidence.nearby, (gaps <= np.median(gaps.min(axis=1)) + 1e-5).mean(axis=1), atol=1e-6
    )


def test_a_tie_is_shared(pool: Pool) -> None:
    twins = pool_of(pool.members, pool.members)
    evidence = gather(twins.see(patches(6, 10)), twins.see(patches(7, 10)), 2.0, twins.coordinates)
    for measure in MEASURES:
        np.testing.assert_array_equal(evidence.votes[measure][:7], evidence.votes[measure][7:])
        assert evidence.votes[measure].sum() == 10


def test_evidence_within_members_does_not_see_the_others(pool: Pool) -> None:
    half = np.arange(7) < 3
    other = pool_of(pool.members, patches(10, 9))
    found, again = (
        gather_within_members(one.see(patches(8, 30)), one.see(patches(9, 12)), 0.95, one.coordinates, half)
        for one in (pool, other)
    )
    assert found.votes["l2"].sum() == 30
    for name in ("votes", "distance", "reference_distance"):
        for measure in MEASURES:
            np.testing.assert_allclose(
                getattr(found, name)[measure], getattr(again, name)[measure], atol=1e-6
            )
    for name in ("close_votes", "nearby", "density_ratio"):
        np.testing.assert_allclose(getattr(found, name), getattr(again, name), atol=1e-6)


def test_the_threshold_does_not_know_who_was_a_member(pool: Pool) -> None:
    swapped = pool_of(pool.nonmembers, pool.members)
    reference = patches(11, 40)
    assert closeness_threshold(pool.see(reference)) == pytest.approx(
        closeness_threshold(swapped.see(reference)), abs=1e-6
    )


def test_fresh_originals_are_never_their_own_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def spy(synthetic: Seen, reference: Seen, threshold: float, coordinates: np.ndarray) -> Evidence:
        seen.append((len(synthetic), len(reference)))
        return gather(synthetic, reference, threshold, coordinates)

    monkeypatch.setattr(controls, "gather", spy)
    sets = [patches(seed, 21) for seed in range(20, 23)]
    comparison = compare(
        *sets,
        patches(23, 57),
        learnt_from=sets[0],
        symmetries="square",
        max_shift_px=1,
        shift_shortlist=1,
        seed=0,
        label="tumor",
        device="cpu",
    )
    controls.run_controls(
        comparison.pool,
        comparison.seen,
        known_sets(comparison, copy_share=0.05, seed=0, label="tumor"),
        level=0.05,
        confidence=0.95,
        n_permutations=199,
        seed=0,
        label="tumor",
    )
    # copies, drawn by heart, three kinds of few; then the fresh half and its shrunken twin against the other
    assert seen == [(21, 21), (42, 21), (60, 21), (60, 21), (60, 21), (11, 10), (11, 10)]


def test_the_most_exposed_patch_is_listed_with_the_patch_that_gives_it_away() -> None:
    members, nonmembers, reference, synthetic = (patches(seed, 30) for seed in range(4))
    synthetic[17] = members[5]
    comparison = compare(
        *(members, nonmembers, reference, synthetic),
        learnt_from=members,
        symmetries="identity",
        max_shift_px=0,
        shift_shortlist=1,
        seed=0,
        label="tumor",
        device="cpu",
    )
    rows = pd.DataFrame({"slide": "a", "item": np.arange(30)})
    first, second = most_exposed(comparison, rows, 100 + np.arange(30), 2)
    assert (first["item"], first["synthetic_row"]) == (5, 117)
    assert first["correlation"] == pytest.approx(1) and second["correlation"] < 0.99
    # Of both sets together, it is the same patch further down.
    ncc = comparison.pool.see(patches(9, 4)).together_with(comparison.seen).matches["ncc"]
    assert ncc.nearest_of_members[5] == 4 + 17
