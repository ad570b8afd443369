"""GoogLeNet for small patches."""

from torch import Tensor, nn
from torch.nn import functional

from pathgen.core.torchvision_import import torchvision

SMALLEST_IMAGE_PX = 16
HEAD = ("fc.",)
STEM = ("conv1.",)


class GoogLeNet(torchvision.models.GoogLeNet):  # type: ignore[misc] # torchvision has no types
    """Classify a patch as normal or tumor by nine inception blocks with batch normalisation.

    The stem is that for small images: one 3x3 convolution of stride 1 instead of 7x7 of stride 2, and no
    max-pooling after it, so that 64 px end as 8 x 8 features, not 2 x 2. There are no auxiliary heads, which
    are for images of 224 px. Initial weights are torch's defaults; tensor names and the dropout of 0.2 before
    the last layer are torchvision's. 5,594,274 weights for patches of any size.

    Source: Szegedy et al. 2015 (arXiv 1409.4842), with the batch normalisation of Ioffe and Szegedy 2015.
    """

    def __init__(self) -> None:
        super().__init__(num_classes=2, aux_logits=False, init_weights=False)
        self.conv1.conv = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.maxpool1 = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Return log-probabilities, float32 (N, 2), of images (N, 3, H, W) in [-1, 1]."""
        return functional.log_softmax(super().forward(images).float(), dim=1)


def build(image_size_px: int) -> nn.Module:
    """Build the network; global average pooling allows patches of any size."""
    assert image_size_px >= SMALLEST_IMAGE_PX, image_size_px
    return GoogLeNet()
