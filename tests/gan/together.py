"""Two processes of one group: ``together.py FOLDER`` keeps there what they computed together."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch._dynamo
import torch.distributed as dist
from killable import Training, keep, trained

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.gan.batch_norm import over_group
from pathgen.gan.distributed import Group
from pathgen.training.checkpoint import save_tensors

# 13 steps: all penalties come at least three times, and images are augmented from the fifth step on.
TRAININGS = {
    "dcgan": Training("dcgan", 0.104),
    "cstylegan2": Training("stylegan2", 0.104, conditional=True),
}


def batch_norm(group: Group) -> dict[str, torch.Tensor]:
    """Two steps of normalisation of a batch that is shared; the gradients are those of the mean loss."""
    rng = torch_generator(1, "batch-norm")
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(5))
    torch.nn.init.normal_(network[0].weight, generator=rng)  # type: ignore[arg-type]
    over_group(network, group)
    for _ in range(2):
        # Far from 0: a variance from plain sums of squares would be noise.
        images = torch.randn(8, 5, 3, 4, generator=rng) * 2 + 100
        direction = torch.randn(images.shape, generator=rng)
        own = group.own(images).clone().requires_grad_(True)
        out = network(own)
        network.zero_grad()
        (out * group.own(direction)).square().mean().backward()
    group.average_gradients(network)
    assert own.grad is not None
    gradients = {f"gradient/{name}": value.grad for name, value in network.named_parameters()}
    told = {"out": out.detach(), "gradient": own.grad / group.size, **gradients}
    told["judged"] = network.eval()(own).detach()
    return told | network.state_dict()  # type: ignore[operator]


def main(folder: Path) -> None:
    child = os.fork()
    group = Group(int(child == 0), 2)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=group.rank, world_size=2)
    save_tensors(folder / f"batch-norm-{group.rank}.safetensors", batch_norm(group))
    for name, training in TRAININGS.items():
        result = trained(replace(training, processes=2), group=group)
        if group.leads:
            keep(result, folder / name)
    try:
        group.require_same({"images": group.rank, "seed": 1}, "train")
    except PathgenError as problem:
        (folder / f"refused-{group.rank}").write_text(str(problem))
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
