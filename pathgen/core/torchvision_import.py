"""The only import of torchvision.

On Linux the published torchvision wheel is the CUDA build. With a CPU build of torch its import fails
because two compiled operators are missing. After such a failure they are declared here, so that models
and image grids work. ``torchvision.io`` and ``torchvision.ops.nms`` do not work then and are not used.
"""

import sys

import torch

try:
    import torchvision
except RuntimeError as missing:
    if "torchvision::" not in str(missing):
        raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    # The library object must live as long as the operators it declares.
    _DECLARED = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for _operator in ("nms", "qnms"):
        _DECLARED.define(  # type: ignore[no-untyped-call]
            f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    import torchvision

__all__ = ["torchvision"]
