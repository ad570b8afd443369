"""Attack features of each original patch against plain loops; unions of sets; negative controls."""

import numpy as np
import pytest
from factories.privacy_sets import noise, pairs_of, pool_of, privacy_settings, rms

from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.privacy.attack import attack_features, null_quantile
from pathgen.privacy.controls import build_controls
from pathgen.privacy.nearest_pairs import CandidatePool

SETTINGS = privacy_settings(max_shift_px=1)


@pytest.fixture(scope="module")
def pool() -> CandidatePool:
    return pool_of(noise(0, 7), noise(1, 9), SETTINGS)


def test_union_equals_the_profile_of_both_sets(pool: CandidatePool) -> None:
    first, second = noise(2, 11), noise(3, 6)
    union = pool.profile(first).union(pool.profile(second))
    expected = pool.profile(np.concatenate([first, second]))
    np.testing.assert_allclose(union.coordinates, expected.coordinates, atol=1e-4)
    for measure in ("l2", "features"):  # the shortlists of shifts depend on the set
        for name, values in vars(expected.pairs[measure]).items():
            np.testing.assert_allclose(getattr(union.pairs[measure], name), values, atol=1e-6)


def test_attack_features_equal_the_loops(pool: CandidatePool) -> None:
    synthetic, reference = noise(4, 30), noise(5, 12)
    originals = np.concatenate([pool.members, pool.nonmembers])
    profile, reference_profile = pool.profile(synthetic), pool.profile(reference)
    found = attack_features(profile, reference_profile, pool)
    of_synthetic, of_originals = texture_v1(synthetic), texture_v1(originals)
    for measure, a, b in (("l2", synthetic, originals), ("features", of_synthetic, of_originals)):
        votes = np.zeros(16)
        for image in a:
            votes[np.argmin([rms(image, original) for original in b])] += 1
        np.testing.assert_array_equal(found.votes[measure], votes)
        nearest = [min(rms(image, original) for image in a) for original in b]
        np.testing.assert_allclose(found.distance[measure], nearest)
    usual = [min(rms(image, original) for image in reference) for original in originals]
    np.testing.assert_allclose(found.reference_distance["l2"], usual)
    assert found.is_member.tolist() == [True] * 7 + [False] * 9
    close = profile.pairs["ncc"].distance.min(axis=0) < null_quantile(reference_profile)
    assert found.close_votes.sum() == close.sum() and found.votes["ncc"].sum() == 30
    assert (found.close_votes <= found.votes["ncc"]).all()
    at, places = pool.coordinates, pool.projection.coordinates(synthetic)
    gaps = np.array([[np.linalg.norm(x - s) for s in places] for x in at])
    within = (gaps <= np.median(gaps.min(axis=1)) + 1e-5).mean(axis=1)
    np.testing.assert_allclose(found.nearby, within, atol=1e-6)


def test_attack_features_tie_is_split(pool: CandidatePool) -> None:
    twins = pool_of(pool.members, pool.members, SETTINGS)
    found = attack_features(twins.profile(noise(6, 10)), twins.profile(noise(7, 10)), twins)
    for measure in ("l2", "ncc", "features"):
        np.testing.assert_array_equal(found.votes[measure][:7], found.votes[measure][7:])
        assert found.votes[measure].sum() == 10


def test_null_attack_features_do_not_depend_on_nonmembers(pool: CandidatePool) -> None:
    half = np.arange(7) < 3
    other = pool_of(pool.members, noise(10, 9), SETTINGS)
    one, two = (
        attack_features(at.profile(noise(8, 30)), at.profile(noise(9, 12)), at, half) for at in (pool, other)
    )
    assert one.votes["l2"].sum() == 30
    for name in ("votes", "distance", "reference_distance"):
        for measure in ("l2", "ncc", "features"):
            np.testing.assert_allclose(getattr(one, name)[measure], getattr(two, name)[measure], atol=1e-6)
    for name in ("nearby", "density_ratio"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-6)


def test_null_quantile_does_not_depend_on_membership(pool: CandidatePool) -> None:
    swapped = pool_of(pool.nonmembers, pool.members, SETTINGS)
    reference = noise(11, 40)
    expected = pytest.approx(null_quantile(swapped.profile(reference)), abs=1e-6)
    assert null_quantile(pool.profile(reference)) == expected


def test_build_controls_originals_are_not_their_own_reference() -> None:
    members, nonmembers, reference = (noise(seed, 31) for seed in range(20, 23))
    settings = privacy_settings(max_shift_px=1, shift_shortlist=1)
    pairs = pairs_of(members, nonmembers, reference, noise(23, 41), settings)
    controls = {control.name: control.features for control in build_controls(pairs)}
    fresh, rest = pairs.half_profiles
    for name in ("fresh originals", "shrunken variety"):
        np.testing.assert_array_equal(controls[name].reference_distance["l2"], rest.pairs["l2"].of_pool)
    np.testing.assert_array_equal(controls["fresh originals"].distance["l2"], fresh.pairs["l2"].of_pool)
    everything = fresh.union(rest).pairs["l2"].of_pool
    for name in ("copies", "memorised", "few copies", "few restained copies", "few moved copies"):
        np.testing.assert_array_equal(controls[name].reference_distance["l2"], everything)
