"""ResNet-18 for small patches."""

from torch import Tensor, nn
from torch.nn import functional

from pathgen.core.torchvision_import import torchvision

SMALLEST_IMAGE_PX = 16
HEAD = ("fc.",)
STEM = ("conv1.",)


class ResNet18(torchvision.models.ResNet):  # type: ignore[misc] # torchvision has no types
    """Classify a patch as normal or tumor by four pairs of residual blocks.

    The stem is that for small images: one 3x3 convolution of stride 1 instead of 7x7 of stride 2, and no
    max-pooling, so that 64 px end as 8 x 8 features, not 2 x 2. Tensor names and initial weights are
    torchvision's. 11,169,858 weights for patches of any size.

    Source: He et al. 2016 (arXiv 1512.03385); the stem is that of its section 4.2.
    """

    def __init__(self) -> None:
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=2)
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.maxpool = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Return log-probabilities, float32 (N, 2), of images (N, 3, H, W) in [-1, 1]."""
        return functional.log_softmax(super().forward(images).float(), dim=1)


def build(image_size_px: int) -> nn.Module:
    """Build the network; global average pooling allows patches of any size."""
    assert image_size_px >= SMALLEST_IMAGE_PX, image_size_px
    return ResNet18()
