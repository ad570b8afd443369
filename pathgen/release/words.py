"""The short texts of a bundle: what it is, how to load it, who may do what with it."""

from pathgen.export.manifest import FormatName
from pathgen.release.croissant import licence_address
from pathgen.release.inputs import Finished
from pathgen.release.settings import ReleaseSettings

_LOADING = {
    "imagefolder": """from torchvision.datasets import ImageFolder

patches = ImageFolder("data")
image, label = patches[0]  # 0: normal, 1: tumor""",
    "pcam": """from torchvision.datasets import PCAM

patches = PCAM("data", split="train")
image, label = patches[0]  # 0: normal, 1: tumor""",
    "parquet": """from datasets import Image, load_dataset

patches = load_dataset("parquet", data_files="data/patches.parquet", split="train")
patches = patches.cast_column("image", Image())  # beside the column label""",
}


def description(study: Finished) -> str:
    """Say in two sentences what the set is."""
    total = sum(len(patches) for patches in study.sets.values())
    side = next(iter(study.sets.values())).images.shape[1]
    return (
        f"{total:,} synthetic histopathology patches of {side} x {side} px in two classes, normal and tumor, "
        f"drawn by the generator {study.generator}. No original patch is in it; the datasheet says what was "
        "measured, and what nobody can promise."
    )


def readme(study: Finished, form: FormatName) -> str:
    """Say what is in the bundle and how to load it."""
    settings = study.settings
    own = "\n- `LICENSE.txt`: the text of the licence" if settings.licence_file is not None else ""
    return f"""# {settings.name}, version {settings.version}

{description(study)}

```python
{_LOADING[form]}
```

- `datasheet.md`: what the set is, how it was made, what was measured, what it is not for. **Read it first.**
- `report.html`: the study: what training on the set costs, how alike and how anonymous it is
- `data/`: the patches, and a table with one row per patch
- `croissant.json`: the same description for programs
- `LICENSES.md`: who may do what with it{own}
- `SHA256SUMS`: `sha256sum -c SHA256SUMS` tells whether every file is as it was released

Questions: {settings.contact}
"""


def licences(settings: ReleaseSettings) -> str:
    """Say under which terms the parts of the bundle stand."""
    text = "`LICENSE.txt`" if settings.licence_file is not None else licence_address(settings)
    return f"""# Licences

**The set and what is written about it**: {settings.licence}, by {settings.creator}. Text: {text}.

**The original slides** that a generator has learnt from are no part of this. Their terms:
{settings.original_terms}

**The software** that made the set, pathgen, is no part of this. It is licensed under Apache-2.0.
"""
