"""The phantom: procedural slides in Camelyon16's layout, found and read by Camelyon16's own code."""

import logging
from pathlib import Path

import pandas as pd

from pathgen.core.files import atomic_folder
from pathgen.phantom.dataset import write_phantom
from pathgen.sources.base import Source
from pathgen.sources.camelyon16 import find_in_layout
from pathgen.sources.settings import CohortSettings
from pathgen.sources.whole_slide import find_candidates, read_patches

_log = logging.getLogger(__name__)


def find_cohort(root: Path, settings: CohortSettings) -> pd.DataFrame:
    """Draw the slides, then find them as Camelyon16's are found.

    Args:
        root: Folder to draw into; what was there is replaced when the new slides are complete.
        settings: The section `cohort`, with its part `phantom`.

    Returns:
        The table `COHORT`.

    Raises:
        PathgenErrors: The slides do not make a cohort, e.g. there are none.
    """
    assert settings.phantom is not None, "checked by CohortSettings"
    with atomic_folder(root) as draft:
        slides = write_phantom(draft, **settings.phantom.model_dump())
    _log.info("%d phantom slides in %s", len(slides), root)
    return find_in_layout(root, settings, source="phantom", not_exhaustive=frozenset(), withdrawn={})


SOURCE = Source("phantom", find_cohort, find_candidates, read_patches)
