"""Published results of the reference study."""

from collections.abc import Mapping
from types import MappingProxyType

CITATION = (
    "the study on DCGANs as an anonymisation technique for histopathology, Table 2 "
    "(Camelyon16, 64 x 64 pixel patches, six-layer CNN, one training run per row)"
)
GENERATOR = "dcgan"
CLASSIFIER = "cnn6"
SOURCE = "camelyon16"
TRAIN_PER_CLASS = 35_000
TEST_PER_CLASS = 15_000

#: Table 2 of the paper; tumour is the positive class. The paper gives no ROC-AUC and no intervals.
TABLE_2: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "original": {"accuracy": 0.78, "precision": 0.83, "recall": 0.70, "f1": 0.76},
        "mixed": {"accuracy": 0.75, "precision": 0.82, "recall": 0.65, "f1": 0.73},
        "synthetic": {"accuracy": 0.59, "precision": 0.64, "recall": 0.44, "f1": 0.52},
    }
)


def published(regime: str, generator: str | None, classifier: str) -> Mapping[str, float]:
    """Look up the paper's values for one row of the result table.

    Args:
        regime: ``original``, ``mixed`` or ``synthetic``.
        generator: The generator of the synthetic patches, None for the original regime.
        classifier: The classifier.

    Returns:
        Metric to its published value (a share); empty for other generators and classifiers than the paper's.

    Source: Table 2 of the paper, see `CITATION`.
    """
    if classifier != CLASSIFIER or generator not in (None, GENERATOR):
        return {}
    return TABLE_2[regime]
