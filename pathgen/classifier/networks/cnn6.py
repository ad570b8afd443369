"""Classifier of the published study: four unpadded convolutions and three linear layers."""

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_IMAGE_PX = 16
HEAD = ("head.4.",)
STEM = ("features.0.",)
_CLASSES = 2


def feature_side_px(image_size_px: int) -> int:
    """Return the side of the last feature map.

    Args:
        image_size_px: Side of the input in pixels.

    Returns:
        Side after two blocks of two unpadded 3x3 convolutions (2 px less each) and a pooling that rounds
        down: 13 for 64 px, 5 for 32 px. Below 1 the network cannot be built.
    """
    return ((image_size_px - 4) // 2 - 4) // 2


class Cnn6(nn.Module):
    """Classify a patch as normal or tumor.

    conv 3-32, conv 32-32, maxpool 2, conv 32-64, conv 64-64, maxpool 2, linear 512, linear 128,
    linear 2; ReLU after each layer but the last, log-softmax at the end. At 64 px the flattened
    features are 64 x 13 x 13 = 10,816 and the weights 5,669,794.

    Source: the published study's classifier; `image_size_px` is 64 there.
    """

    def __init__(self, image_size_px: int) -> None:
        super().__init__()
        assert image_size_px >= SMALLEST_IMAGE_PX, image_size_px
        # ReLU after pooling gives the same bits on a smaller map: maximum and ReLU commute.
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential(
            nn.Linear(64 * feature_side_px(image_size_px) ** 2, 512),
            nn.ReLU(inplace=True),
            nn.Linear(512, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, _CLASSES),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the log-probabilities of both classes.

        Args:
            images: Batch, float32 (N, 3, H, W), in [-1, 1].

        Returns:
            Natural logarithms of P(normal) and P(tumor), float32 (N, 2).
        """
        features = torch.flatten(self.features(images), 1)  # (N, 64, h, w) -> (N, 64*h*w)
        # In float32 also under autocast: the 8 bits of bfloat16 are too coarse for a loss.
        return functional.log_softmax(self.head(features).float(), dim=1)


def build(image_size_px: int) -> nn.Module:
    """Build the network, see `Cnn6`."""
    return Cnn6(image_size_px)
