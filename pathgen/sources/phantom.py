"""The phantom: procedural slides in the folders of Camelyon16."""

import logging
from pathlib import Path

import pandas as pd

from pathgen.core.files import atomic_folder
from pathgen.phantom.phantom_dataset import slide_plans, write_phantom
from pathgen.phantom.settings import PhantomSettings
from pathgen.sources.camelyon16_layout import find_in_layout
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source
from pathgen.sources.whole_slide import find_candidates, read_patches
from pathgen.wsi.settings import AnnotationSettings

_log = logging.getLogger(__name__)


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Draw the slides, then find them as those of Camelyon16 (see `pathgen.sources.source.Source`).

    An older root is replaced when the new slides are complete.

    Raises:
        PathgenErrors: The slides do not make a cohort, e.g. there are none.
    """
    with atomic_folder(root) as draft:
        slides = write_phantom(draft, settings.own(PhantomSettings))
    _log.info("%d phantom slides in %s", len(slides), root)
    return find_in_layout(root, settings, annotations, not_exhaustive=frozenset(), withdrawn={})


def list_files(root: Path, settings: CohortSettings) -> list[Path]:
    """List the slides that will be drawn (see `pathgen.sources.source.Source`)."""
    return [root / plan.image for plan in slide_plans(settings.own(PhantomSettings))]


SOURCE = Source(
    find_cohort, find_candidates, read_patches, list_files, PhantomSettings, has_slides=True, makes_data=True
)
