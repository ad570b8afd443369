"""The private training: what reaches the weights, how it is clipped and noised, and what is said of it."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.gan import CPU, DPDCGAN, HELD_OUT, IMAGES, build_trainer, changed, dataset, same_weights, train
from opacus.accountants import RDPAccountant
from torch.nn.functional import binary_cross_entropy_with_logits

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.dataset import GanDataset
from pathgen.gan.gan_checkpoint import TrainedGan, load_meta, save_gan
from pathgen.gan.generators.dpdcgan import PrivateDiscriminator
from pathgen.gan.generators.dpdcgan.accounting import RdpAccountant
from pathgen.gan.generators.dpdcgan.dp_trainer import DpTrainer
from pathgen.gan.generators.dpdcgan.per_sample_grad import clipped_sum
from pathgen.gan.generators.dpdcgan.poisson_sampler import (
    PoissonLoader,
    privacy_unit_ids,
    warn_about_patients,
)
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings
from pathgen.gan.loaded_generator import load_generator

OF_PATIENTS = changed(DPDCGAN, unit="patient", patches_per_unit=4)
UNITS = np.arange(len(IMAGES)) % 6


def owned(units: Any = None, images: Any = IMAGES, held_out: Any = None) -> GanDataset:
    """Return data with a patient for each unit."""
    index = None if units is None else index_of([f"{unit:02d}" for unit in units], ["s"] * len(units))
    return dataset(images, held_out, index=index)


def trained(
    recipe: DpDcganSettings = DPDCGAN, images: Any = IMAGES, units: Any = None, held_out: Any = None
) -> TrainedGan:
    return train(recipe, owned(units, images, held_out), snapshot_every_kimg=1.0)


def players(recipe: DpDcganSettings = DPDCGAN) -> DpTrainer:
    return build_trainer(recipe)


def accountant_of(recipe: DpDcganSettings, units: Any = None) -> RdpAccountant:
    return RdpAccountant(recipe, owned(units))


def noise(*shape: int, step: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch_generator(3, step)) * 2 - 1


def stream(recipe: DpDcganSettings, units: Any = None) -> PoissonLoader:
    return PoissonLoader(owned(units), recipe, CPU)


# --- What a contribution is -----------------------------------------------------------------------------


def test_dp_discriminator_treats_images_independently() -> None:
    network = PrivateDiscriminator(DPDCGAN, 16).train()
    images = noise(6, 3, 16, 16)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone)


@pytest.mark.parametrize("at_once", [1 << 26, 1])
def test_clipping_equals_a_loop_over_contributions(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("pathgen.gan.generators.dpdcgan.per_sample_grad._AT_ONCE", at_once)
    network = players().pair.d
    images, targets = noise(7, 3, 3, 16, 16), torch.tensor([0.9] * 4 + [0.0] * 3)
    expected = [torch.zeros_like(weights) for weights in network.parameters()]
    norms = []
    # Between the norms there are, so that some are clipped.
    limit = 0.5 * sum(clipped_sum(network, images, targets, 1.0).norms.aminmax())
    for own, target in zip(images, targets, strict=True):
        logits = network(own)
        loss = binary_cross_entropy_with_logits(logits, target.expand(3))
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        norms.append(math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients)))
        for total, gradient in zip(expected, gradients, strict=True):
            total.add_(gradient * min(1.0, float(limit) / norms[-1]))
    assert min(norms) < limit < max(norms)
    found = clipped_sum(network, images, targets, float(limit))
    torch.testing.assert_close(found.norms, torch.tensor(norms))
    torch.testing.assert_close(found.logits, network(images.flatten(0, 1)).view(7, 3))
    for name, total in zip(found.sums, expected, strict=True):
        torch.testing.assert_close(found.sums[name], total, rtol=1e-4, atol=1e-7)


def test_clipping_bounds_the_sensitivity_by_the_clipping_norm() -> None:
    network = players().pair.d
    images, targets = 5.0 * noise(5, 2, 3, 16, 16), torch.full((5,), 0.9)
    whole = clipped_sum(network, images, targets, 0.01)
    for left in range(5):
        rest = [number for number in range(5) if number != left]
        without = clipped_sum(network, images[rest], targets[rest], 0.01)
        moved = sum(float((whole.sums[name] - without.sums[name]).square().sum()) for name in whole.sums)
        assert math.sqrt(moved) == pytest.approx(0.01, rel=1e-3)


# --- Noise ----------------------------------------------------------------------------------------------


def gradient(pair: DpTrainer, real: torch.Tensor, number: int) -> torch.Tensor:
    pair._train_discriminator(real, noise(DPDCGAN.batch_size, 3, 16, 16), number)
    return torch.cat([weights.grad.flatten() for weights in pair.pair.d.parameters()])


def test_gradient_noise_has_the_scale_of_the_accountant() -> None:
    still = changed(DPDCGAN, lr_discriminator=1e-30, max_grad_norm=0.3)
    noisy, exact = players(still), players(changed(still, target_epsilon=None))
    real = noise(3, 1, 3, 16, 16)
    added = [
        (gradient(noisy, real, number) - gradient(exact, real, number)) * still.units_per_step
        for number in range(8)
    ]
    every = torch.cat(added)
    scale = accountant_of(still).noise_multiplier * 0.3
    # Of n draws the deviation is known to 1 / sqrt(2 n).
    assert float(every.std()) == pytest.approx(scale, rel=5 / math.sqrt(2 * len(every)))
    assert abs(float(every.mean())) < 5 * scale / math.sqrt(len(every))
    between = torch.corrcoef(torch.stack(added)).fill_diagonal_(0.0)
    assert float(between.abs().max()) < 6 / math.sqrt(len(added[0]))
    assert torch.equal(gradient(noisy, real, 3), gradient(players(still), real, 3))


def test_gradient_is_divided_by_the_expected_batch_size() -> None:
    pair = players(changed(DPDCGAN, target_epsilon=None, lr_discriminator=1e-30))
    one, two = noise(1, 1, 3, 16, 16), noise(2, 1, 3, 16, 16, step=1)
    nothing = gradient(pair, one[:0], 0)
    single, both = gradient(pair, one, 0) - nothing, gradient(pair, two, 0) - nothing
    all_three = gradient(pair, torch.cat([one, two]), 0) - nothing
    torch.testing.assert_close(all_three, single + both, rtol=1e-3, atol=1e-6)


def test_dp_step_with_an_empty_batch_counts() -> None:
    pair = players()
    for number in range(DPDCGAN.discriminator_steps):
        statistics = pair.step(noise(0, 1, 3, 16, 16), noise(8, 8), step=number)
    assert list(statistics) == list(pair.statistics)
    assert all(math.isfinite(value) for value in statistics.values())
    assert statistics["gan/contributions"] == 0.0
    assert statistics["gan/accuracy_real"] == statistics["gan/clipped_share"] == 0.0
    assert pair.pair.is_finite()


def test_dp_generator_is_updated_in_its_steps_only() -> None:
    pair, start = players(changed(DPDCGAN, discriminator_steps=3)), players()
    learned = []
    for number in range(6):
        before = [weights.clone() for weights in pair.pair.g.parameters()]
        pair.step(noise(4, 1, 3, 16, 16), noise(8, 8), step=number)
        learned.append(not all(map(torch.equal, before, pair.pair.g.parameters())))
    assert learned == [False, False, True] * 2
    assert not same_weights(pair.pair.d, start.pair.d)


# --- The draw -------------------------------------------------------------------------------------------


def test_poisson_sampler_draws_units_independently() -> None:
    drawn = [stream(DPDCGAN).rows(step).flatten() for step in range(600)]
    rate, steps = DPDCGAN.sample_rate(len(IMAGES)), len(drawn)
    seen = np.array([np.bincount(rows, minlength=len(IMAGES)) for rows in drawn])  # (steps, N)
    assert seen.max() == 1
    assert np.abs(seen.mean(0) - rate).max() < 5 * math.sqrt(rate * (1 - rate) / steps)
    assert abs(seen.mean() - rate) < 4 * math.sqrt(rate * (1 - rate) / seen.size)
    sizes = seen.sum(1)
    assert sizes.var() == pytest.approx(len(IMAGES) * rate * (1 - rate), rel=0.35)
    assert torch.equal(stream(DPDCGAN).rows(5).flatten(), drawn[5])


def test_poisson_sampler_shows_patches_of_the_drawn_patient_only() -> None:
    several = stream(OF_PATIENTS, UNITS)
    batches = [several.rows(step).numpy() for step in range(300)]
    for rows in batches:
        owners = UNITS[rows]
        assert rows.shape[1:] == (4,)
        assert (owners == owners[:, :1]).all()
        assert len(set(owners[:, 0])) == len(owners)
        assert all(len(set(own)) == 4 for own in rows)
    assert sum(map(len, batches)) / 300 == pytest.approx(OF_PATIENTS.units_per_step, rel=0.15)
    assert set(np.unique(np.concatenate(batches))) == set(range(len(IMAGES)))
    few = stream(OF_PATIENTS, np.arange(len(IMAGES)) % 15)
    assert sorted(few.rows(0)[0].tolist()).count(int(few.rows(0)[0, 0])) == 2
    assert several.batch(1).shape == (len(batches[1]), 4, 3, 16, 16)


def test_dp_training_reads_originals_through_the_sampler_only() -> None:
    """Those never drawn can be anything, held-out ones too; no look, statistic or check moves a weight."""
    recipe = changed(DPDCGAN, kimg=0.032)
    drawn = torch.cat([stream(recipe).rows(step).flatten() for step in range(recipe.steps)]).unique()
    assert 5 < len(drawn) < 25
    others = HELD_OUT.copy()
    others[drawn] = IMAGES[drawn]
    one, other = trained(recipe, held_out=HELD_OUT), trained(recipe, others, held_out=IMAGES)
    assert same_weights(one.generator, other.generator)
    assert same_weights(one.discriminator, other.discriminator)
    others[drawn[0]] = 255
    assert not same_weights(one.generator, trained(recipe, others).generator)


# --- What is said of it -----------------------------------------------------------------------------------


def accountant(facts: dict[str, Any], steps: int) -> float:
    own = RDPAccountant()
    for _ in range(steps):
        own.step(noise_multiplier=facts["noise_multiplier"], sample_rate=facts["sample_rate"])
    return float(own.get_epsilon(facts["delta"]))


@pytest.mark.parametrize(("recipe", "units"), [(DPDCGAN, None), (OF_PATIENTS, UNITS)])
def test_epsilon_equals_that_of_opacus(recipe: DpDcganSettings, units: Any, tmp_path: Path) -> None:
    result = trained(recipe, units=units, held_out=HELD_OUT)
    save_gan(tmp_path / "model", result, "normal")
    facts = load_meta(tmp_path / "model").model_dump()["privacy"]
    assert facts["epsilon"] == pytest.approx(accountant(facts, facts["steps"]), rel=1e-9)
    assert 0.998 * recipe.target_epsilon < facts["epsilon"] <= recipe.target_epsilon
    assert facts["units"] == (30 if units is None else 6)
    assert facts["sample_rate"] == recipe.batch_size / (30 if units is None else 24)
    assert not facts["secret"]
    history = result.history
    steps = (history["kimg"] * 1000 / recipe.batch_size).round().astype(int)
    for row in (0, 7, len(history) - 1):
        assert history["gan/epsilon"][row] == pytest.approx(accountant(facts, steps[row]), rel=1e-9)
    assert steps.iloc[-1] == facts["steps"] == recipe.steps
    assert load_generator(tmp_path / "model").sample(3, seed=1).shape == (3, 16, 16, 3)


def test_epsilon_without_noise_is_absent() -> None:
    open_ended = changed(DPDCGAN, target_epsilon=None)
    result = trained(open_ended)
    assert result.meta["privacy"]["epsilon"] is None
    assert result.meta["privacy"]["noise_multiplier"] == 0.0
    assert "gan/epsilon" not in result.history
    assert accountant_of(open_ended).epsilon(1) == math.inf


def test_guarantee_of_other_generators_is_absent() -> None:
    assert [name for name in generators.names() if generators.load(name).accountant] == ["dpdcgan"]


def test_epsilon_falls_with_noise_and_rises_with_steps() -> None:
    loose, spent = changed(DPDCGAN, target_epsilon=30.0), accountant_of(DPDCGAN).epsilon
    assert accountant_of(DPDCGAN).noise_multiplier > accountant_of(loose).noise_multiplier
    assert spent(0) == 0.0 < spent(1) < spent(10)
    assert accountant_of(loose).guarantee()["epsilon"] == pytest.approx(30.0, rel=0.002)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"batch_size": 32}, "32 of 30 patches per step"),
        ({"target_delta": 0.04}, "one of 30 patches could be revealed"),
        ({"target_epsilon": 1e-4}, "no noise reaches"),
        ({"secret_file": "no-such-file"}, "no-such-file: cannot be read.*head -c 32 /dev/urandom"),
    ],
)
def test_accounting_values_without_guarantee_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(PathgenError, match=reason):
        players(changed(DPDCGAN, **changes))


def test_rng_seed_changes_noise_and_sampling(tmp_path: Path) -> None:
    secrets = []
    for number in range(2):
        path = tmp_path / f"secret-{number}"
        path.write_bytes(bytes([number]) * 32)
        secrets.append(changed(DPDCGAN, secret_file=str(path)))
    results = [trained(changed(recipe, kimg=0.032)) for recipe in (DPDCGAN, *secrets, secrets[0])]
    assert same_weights(results[1].generator, results[3].generator)
    assert not same_weights(results[0].generator, results[1].generator)
    assert not same_weights(results[1].generator, results[2].generator)
    assert results[1].meta["privacy"]["secret"]
    assert (bytes([1]) * 32).hex() not in str(results[2].meta)
    (tmp_path / "secret-0").write_bytes(b"short")
    with pytest.raises(PathgenError, match="has 5 bytes, 32 are needed"):
        players(secrets[0])


# --- Whose presence is hidden -----------------------------------------------------------------------------


def index_of(patients: list[str | None], slides: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"patient": pd.Series(patients, dtype="string"), "slide": slides})


def test_privacy_unit_is_a_patch_a_patient_or_a_slide(caplog: pytest.LogCaptureFixture) -> None:
    table = index_of(["a", "b", "a", None, None], ["s1", "s2", "s3", "a", "s4"])
    data = GanDataset(np.zeros((5, 8, 8, 3), np.uint8), IMAGES[:0], index=table, slides_known=True)
    assert privacy_unit_ids(data, "patch").tolist() == [0, 1, 2, 3, 4]
    found = privacy_unit_ids(data, "patient")
    with caplog.at_level(logging.WARNING):
        warn_about_patients(data, "patient")
    assert found[0] == found[2]
    assert len(set(found)) == 4
    assert set(found) == {0, 1, 2, 3}
    assert "counts as one patient" in caplog.text
    assert "one of 4 patients" in caplog.text


@pytest.mark.parametrize(
    ("table", "known", "reason"),
    [
        (index_of([None, None], ["pcam_train"] * 2), False, "neither patients nor slides"),
        (index_of(["a", "a"], ["s1", "s2"]), True, "from one patient"),
    ],
)
def test_privacy_unit_unknown_is_refused(table: pd.DataFrame, known: bool, reason: str) -> None:
    with pytest.raises(PathgenError, match=reason):
        privacy_unit_ids(GanDataset(IMAGES[:2], IMAGES[:0], index=table, slides_known=known), "patient")
