"""The evidence about each original patch, against plain loops; unions of sets; what controls are given."""

import numpy as np
import pytest

from pathgen.privacy import controls
from pathgen.privacy.audit import compare
from pathgen.privacy.evidence import Evidence, closeness_threshold, gather, gather_within_members
from pathgen.privacy.matches import MatchesBy, Pool, both


def patches(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool(patches(0, 7), patches(1, 9), ("l2", "ncc-square"), "cpu")


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(((a.astype(float) - b) ** 2).mean()))


def test_matches_of_a_union_are_those_of_both_together(pool: Pool) -> None:
    first, second = patches(2, 11), patches(3, 6)
    united = both(pool.match(first), pool.match(second))
    for measure, expected in pool.match(np.concatenate([first, second])).items():
        for name in vars(expected):
            np.testing.assert_allclose(getattr(united[measure], name), getattr(expected, name), atol=1e-6)


def test_evidence_equals_the_loop(pool: Pool) -> None:
    synthetic, reference = patches(4, 30), patches(5, 12)
    originals = np.concatenate([pool.members, pool.nonmembers])
    evidence = gather(pool.match(synthetic), pool.match(reference), threshold=0.6)
    votes = np.zeros(16)
    for image in synthetic:
        votes[np.argmin([rms(image, original) for original in originals])] += 1
    np.testing.assert_array_equal(evidence.votes["l2"], votes)
    nearest = [min(rms(image, original) for image in synthetic) for original in originals]
    np.testing.assert_allclose(evidence.distance["l2"], nearest)
    fresh = [min(rms(image, original) for image in reference) for original in originals]
    np.testing.assert_allclose(evidence.reference_distance, fresh)
    assert evidence.is_member.tolist() == [True] * 7 + [False] * 9
    assert 0 < evidence.close_votes.sum() < evidence.votes["ncc-square"].sum() == 30
    assert (evidence.close_votes <= evidence.votes["ncc-square"]).all()


def test_a_tie_is_shared(pool: Pool) -> None:
    twins = Pool(pool.members, pool.members, pool.measures, "cpu")
    evidence = gather(twins.match(patches(6, 10)), twins.match(patches(7, 10)), threshold=2.0)
    np.testing.assert_array_equal(evidence.votes["l2"][:7], evidence.votes["l2"][7:])
    assert evidence.votes["l2"].sum() == 10


def test_evidence_within_members_does_not_see_the_others(pool: Pool) -> None:
    synthetic, reference = patches(8, 30), patches(9, 12)
    half = np.arange(7) < 3
    found = gather_within_members(pool.match(synthetic), pool.match(reference), 0.6, half)
    other = Pool(pool.members, patches(10, 9), pool.measures, "cpu")
    again = gather_within_members(other.match(synthetic), other.match(reference), 0.6, half)
    assert found.votes["l2"].sum() == 30
    for name in ("votes", "distance"):
        for measure in pool.measures:
            np.testing.assert_allclose(
                getattr(found, name)[measure], getattr(again, name)[measure], atol=1e-6
            )
    np.testing.assert_allclose(found.close_votes, again.close_votes)


def test_the_threshold_does_not_know_who_was_a_member(pool: Pool) -> None:
    swapped = Pool(pool.nonmembers, pool.members, pool.measures, "cpu")
    reference = patches(11, 40)
    assert closeness_threshold(pool.match(reference)) == pytest.approx(
        closeness_threshold(swapped.match(reference)), abs=1e-6
    )


def test_fresh_originals_are_never_their_own_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def spy(synthetic: MatchesBy, reference: MatchesBy, threshold: float) -> Evidence:
        seen.append((len(synthetic["l2"].member), len(reference["l2"].member)))
        return gather(synthetic, reference, threshold)

    monkeypatch.setattr(controls, "gather", spy)
    sets = [patches(seed, 21) for seed in range(20, 23)]
    comparison = compare(
        *sets,
        patches(23, 57),
        learnt_from=sets[0],
        symmetries="square",
        seed=0,
        label="tumor",
        device="cpu",
    )
    controls.run_controls(
        comparison.pool,
        comparison.learnt_from,
        comparison.matches,
        comparison.reference,
        comparison.reference_matches,
        copy_share=0.05,
        level=0.05,
        confidence=0.95,
        n_permutations=199,
        seed=0,
        label="tumor",
    )
    # copies, few copies, few turned copies; then the fresh half and its shrunken twin against the other half
    assert seen == [(21, 21), (60, 21), (60, 21), (11, 10), (11, 10)]
