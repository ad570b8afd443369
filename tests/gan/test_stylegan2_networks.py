"""StyleGAN2's networks: sizes, layout, noise, truncation, and weights of the seed alone."""

import pytest
import torch
from factories.gan import RECIPES, recipe

from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.generators.stylegan2 import GENERATOR, sampler
from pathgen.gan.generators.stylegan2.generator import StyleGan2Generator, channels_at, sides
from pathgen.gan.generators.stylegan2.layers import init_weights, upsampled
from pathgen.gan.generators.stylegan2.settings import StyleGan2Sampling

SMALL = recipe("stylegan2", latent_dim=6, minibatch_group=2)


def generator(image_size: int = 16, seed: int = 1) -> StyleGan2Generator:
    network = StyleGan2Generator(SMALL, image_size)
    init_weights(network, seed)
    with torch.no_grad():
        network.mapping.mean.copy_(torch.randn(6, generator=torch_generator(9)))
        for layer in network.layers:
            layer.strength.fill_(0.5)
    return network.eval()


def latents(count: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch_generator(seed))


@pytest.mark.parametrize("image_size", [8, 32, 64, 128, 256])
@pytest.mark.parametrize("network", RECIPES)
def test_networks_any_size_give_images_of_that_size_and_one_logit(network: str, image_size: int) -> None:
    settings = recipe(network, latent_dim=6)
    g, d = generators.load(network).initialised(settings, image_size)
    with torch.no_grad():
        images = g(latents(2))
        assert images.shape == (2, 3, image_size, image_size)
        assert images.std() > 0
        assert network == "stylegan2" or images.abs().max() <= 1
        assert d(images).shape == (2,)


def test_stylegan2_resolutions_and_channels_follow_the_paper() -> None:
    assert sides(64) == [4, 8, 16, 32, 64]
    papers = recipe("stylegan2", channel_base=16384, channel_max=512, latent_dim=512, mapping_layers=8)
    assert [channels_at(side, papers) for side in sides(256)] == [512, 512, 512, 512, 256, 128, 64]
    network = StyleGan2Generator(papers, 64)
    assert len(network.layers) == 9
    assert network.styles == 10  # 2 * log2(64) - 2
    assert len(network.mapping.layers) == 8
    up = [layer.convolution.up for layer in network.layers]
    assert up == [False] + [True, False] * 4


def test_stylegan2_generator_equals_its_layers_in_sequence() -> None:
    """Colours of every resolution, each doubled up to the last, are summed."""
    network = generator(8)
    w = network.mapping(latents(3))
    fixed = [layer.fixed_noise for layer in network.layers]
    first = network.layers[0](network.constant.repeat(3, 1, 1, 1), w, fixed[0])
    second = network.layers[1](first, w, fixed[1])
    third = network.layers[2](second, w, fixed[2])
    expected = upsampled(network.colours[0](first, w)) + network.colours[1](third, w)
    torch.testing.assert_close(network(latents(3)), expected)


def test_mapping_ignores_the_norm_of_the_latent() -> None:
    network = generator()
    torch.testing.assert_close(network.mapping(latents(4)), network.mapping(7 * latents(4)))


def test_w_avg_moves_by_a_two_hundredth() -> None:
    mapping = generator().mapping
    before, w = mapping.mean.clone(), latents(8)
    mapping.update_mean(w)
    torch.testing.assert_close(mapping.mean, before * 0.995 + w.mean(0) * 0.005)


def test_truncation_interpolates_towards_w_avg() -> None:
    network = generator()
    w = network.mapping(latents(3))
    half = network.mapping.mean + 0.5 * (w - network.mapping.mean)
    expected = network.synthesis(half[:, None].expand(-1, network.styles, -1))
    torch.testing.assert_close(network(latents(3), psi=0.5), expected)
    mean_image = network(latents(3), psi=0.0)
    torch.testing.assert_close(mean_image[0], mean_image[1])


def test_stylegan2_noise_has_the_learned_strength() -> None:
    network = generator()
    zeros = [
        torch.zeros(1, 1, layer.fixed_noise.shape[2], layer.fixed_noise.shape[2]) for layer in network.layers
    ]
    maps = network.noise(3, torch_generator(1))
    assert [tuple(one.shape) for one in maps] == [(3, 1, s, s) for s in (4, 8, 8, 16, 16)]
    assert not torch.allclose(network(latents(3), None, maps), network(latents(3), None, zeros))
    with torch.no_grad():
        for layer in network.layers:
            layer.strength.zero_()
    torch.testing.assert_close(network(latents(3), None, maps), network(latents(3), None, zeros))


def test_stylegan2_noise_modes_const_random_none() -> None:
    network = generator()

    def drawn(noise: str, seed: int, psi: float = 1.0) -> torch.Tensor:
        return sampler(StyleGan2Sampling(truncation_psi=psi, noise=noise))(
            network, latents(3), torch_generator(seed)
        )

    assert not torch.equal(drawn("random", 1), drawn("random", 2))
    assert torch.equal(drawn("random", 1), drawn("random", 1))
    assert torch.equal(drawn("fixed", 1), drawn("fixed", 2))
    assert torch.equal(drawn("fixed", 1), network(latents(3)))
    assert torch.equal(drawn("none", 1), drawn("none", 2))
    assert not torch.equal(drawn("none", 1), drawn("fixed", 1))
    assert torch.equal(drawn("fixed", 1, 0.3), network(latents(3), psi=0.3))


@pytest.mark.parametrize("which", [0, 1], ids=["generator", "discriminator"])
def test_stylegan2_weights_follow_the_seed(which: int) -> None:
    networks = []
    for seed in (5, 5, 6):
        network = GENERATOR.networks(SMALL, 16)[which]
        init_weights(network, seed)
        networks.append(network.state_dict())
    for name, tensor in networks[0].items():
        assert torch.equal(tensor, networks[1][name]), name
        drawn = name.endswith(("weight", "constant", "fixed_noise"))
        assert drawn != torch.equal(tensor, networks[2][name]), name


def test_stylegan2_discriminator_in_eval_treats_images_independently() -> None:
    discriminator = GENERATOR.networks(SMALL, 16)[1]
    init_weights(discriminator, 1)
    images = torch.rand(6, 3, 16, 16, generator=torch_generator(3)) * 2 - 1
    discriminator(images)
    together = discriminator.eval()(images)
    alone = torch.cat([discriminator(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_stylegan2_style_reaches_its_own_layers() -> None:
    """Changing one w changes the image; the last one changes its colours alone."""
    network = generator(8)
    ws = network.mapping(latents(2))[:, None].repeat(1, network.styles, 1)
    images = network.synthesis(ws)
    for place in range(network.styles):
        changed = ws.clone()
        changed[:, place] += 1.0
        assert not torch.allclose(network.synthesis(changed), images), place
