"""BatchNorm over a batch that several processes share."""

import torch
from torch import nn

from pathgen.core.errors import PathgenError
from pathgen.gan.distributed import Group


class GroupBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose statistics are those of all processes' images; its state is BatchNorm2d's.

    torch's SyncBatchNorm does the same on GPUs, and refuses CPUs.
    """

    def __init__(self, features: int, group: Group) -> None:
        """Build.

        Args:
            features: Channels.
            group: Whose images are one batch; each process has the same number of them.
        """
        super().__init__(features)
        self._group = group

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to the same shape and type."""
        if not self.training:
            return super().forward(images)
        values = images.float()
        count = values.numel() // values.shape[1] * self._group.size
        mean = self._group.total(values.sum((0, 2, 3))) / count  # (C,)
        centred = values - mean[:, None, None]
        variance = self._group.total(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)  # type: ignore[union-attr,arg-type]
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)  # type: ignore[union-attr,arg-type]
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(images.dtype)


def over_group(network: nn.Module, group: Group) -> None:
    """Let each BatchNorm2d of a network look at all processes' images; nothing changes for a single process.

    Args:
        network: Changed in place; its weights stay the same objects.
        group: The processes.

    Raises:
        PathgenError: The network has a BatchNorm of another kind, which would look at one process's images.
    """
    if group.size == 1:
        return
    for name, module in list(network.named_modules()):
        if not isinstance(module, nn.modules.batchnorm._BatchNorm):
            continue
        if not isinstance(module, nn.BatchNorm2d):
            raise PathgenError(
                f"layer {name} of {type(network).__name__}",
                f"{type(module).__name__} cannot be shared by {group.size} processes",
                "Use BatchNorm2d, or set compute.processes to 1",
            )
        shared = GroupBatchNorm2d(module.num_features, group)
        shared._parameters, shared._buffers = module._parameters, module._buffers
        shared.eps, shared.momentum = module.eps, module.momentum
        network.set_submodule(name, shared)
