"""Camelyon16 in the folders of its publication."""

from pathlib import Path

import pandas as pd

from pathgen.sources.camelyon16_layout import REFERENCE_FILE, find_in_layout, list_files
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source
from pathgen.sources.whole_slide import find_candidates, read_patches
from pathgen.wsi.settings import AnnotationSettings

# The data set's README: on these slides not all lesions are outlined.
NOT_EXHAUSTIVE = frozenset(
    f"tumor_{number:03d}"
    for number in (10, 15, 18, 20, 25, 29, 33, 34, 44, 46, 51, 54, 55, 56, 67, 79, 85, 92, 95, 110)
) | {"test_114"}
# The same README: what older copies still hold.
WITHDRAWN = {
    "normal_086": "is a tumor slide; the data set renamed it to tumor_111",
    "test_049": "was withdrawn by the data set",
}


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Find the slides of Camelyon16, or of a part of it (see `pathgen.sources.source.Source`).

    Layout: ``training/normal/normal_001.tif``, ``training/tumor/tumor_001.tif``,
    ``testing/images/test_001.tif``, ``testing/reference.csv``, and the outlines as ``tumor_001.xml`` in
    ``lesion_annotations``, ``training/lesion_annotations`` or ``testing/lesion_annotations``.

    Raises:
        PathgenErrors: One error per problem.
    """
    return find_in_layout(root, settings, annotations, NOT_EXHAUSTIVE, WITHDRAWN)


def _table(settings: CohortSettings) -> str:
    del settings
    return REFERENCE_FILE


SOURCE = Source(find_cohort, find_candidates, read_patches, list_files, table=_table, has_slides=True)
