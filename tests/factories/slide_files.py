"""Tiny slides and data sets for the tests of the sources."""

from pathlib import Path
from typing import Any

import numpy as np

from factories.jpeg_slides import write_jpeg_slide
from pathgen.core.profiles import read_profile
from pathgen.jobs.settings import JobSettings
from pathgen.phantom.settings import PhantomSettings
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import AnnotationSettings

SIDE = 512
LESION = (128, 128, 320, 320)  # x0, y0, x1, y1


def source_settings(source: str, root: Path | None = None, **changes: Any) -> CohortSettings:
    """Return the section `cohort` for a source with its root, and with some changes."""
    plain = {"source": source, "on_bad_slide": "stop", "use_unannotated_tissue": False}
    return CohortSettings.model_validate({**plain, "root": None if root is None else str(root), **changes})


def annotation_settings(**changes: Any) -> AnnotationSettings:
    """Return the setting `index.annotations` of all profiles with changes."""
    return AnnotationSettings.model_validate(read_profile("phantom")["index"]["annotations"] | changes)


def job_settings(folder: Path, workers: int = 2, scheduler: str | None = None, **changes: Any) -> JobSettings:
    """Return settings of the job runner with a cache in a folder."""
    return JobSettings(
        folder=str(folder), workers=workers, threads_per_slide=1, scheduler=scheduler, **changes
    )


def phantom_settings(**changes: Any) -> PhantomSettings:
    """Return the settings of the default phantom with changes."""
    return PhantomSettings(**(read_profile("phantom")["cohort"]["phantom"] | changes))


def write_slide(path: Path, mpp: float | None = 0.25, side: int = SIDE, seed: int = 0) -> None:
    """Write a pyramidal tiled JPEG TIFF: glass around a square of noisy pink tissue."""
    rng = np.random.default_rng(seed)
    image = np.full((side, side, 3), 245, dtype=np.uint8)
    inner = slice(side // 8, -side // 8)
    shape = image[inner, inner].shape
    image[inner, inner] = np.clip(rng.normal((200, 110, 170), 12, shape), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    resolution: dict[str, Any] = {"unit": "NONE", "mpp": 1.0} if mpp is None else {"mpp": mpp}
    write_jpeg_slide(path, image, tile=(256, 256), steps=(1, 2), **resolution)


def write_asap(
    path: Path, *annotations: tuple[str, list[tuple[float, float]]], kind: str = "Polygon", groups: str = ""
) -> Path:
    """Write ASAP XML from pairs of a group and a ring; `groups` is the content of AnnotationGroups."""
    drawn = ""
    for number, (group, ring) in enumerate(annotations):
        points = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(ring))
        start = f'<Annotation Name="{number}" Type="{kind}" PartOfGroup="{group}">'
        drawn += f"{start}<Coordinates>{points}</Coordinates></Annotation>"
    parts = f"<Annotations>{drawn}</Annotations><AnnotationGroups>{groups}</AnnotationGroups>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<ASAP_Annotations>{parts}</ASAP_Annotations>", encoding="utf-8")
    return path


def write_annotation(
    path: Path, box: tuple[float, float, float, float] = LESION, group: str = "Tumor"
) -> None:
    """Write one rectangle as ASAP XML."""
    x0, y0, x1, y1 = box
    write_asap(path, (group, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))


def write_camelyon16(root: Path) -> None:
    """Write a data set of six slides in Camelyon16's layout."""
    for number, name in enumerate(
        ("normal/normal_001", "normal/normal_002", "tumor/tumor_001", "tumor/tumor_010")
    ):
        write_slide(root / f"training/{name}.tif", seed=number)
    for seed, name in enumerate(("test_001", "test_002"), start=8):
        write_slide(root / f"testing/images/{name}.tif", seed=seed)
    write_annotation(root / "lesion_annotations/tumor_001.xml")
    x0, y0, x1, y1 = LESION
    write_annotation(root / "training/lesion_annotations/tumor_010.xml", (x0, y0, x1, y1 - 1))
    write_annotation(root / "testing/lesion_annotations/test_002.xml", (x0, y0, x1, y1 - 2))
    (root / "testing/reference.csv").write_text("test_001,Normal,None,None\ntest_002,Tumor,IDC,Macro\n")
