"""Machine-readable metadata of a bundle: Croissant, JSON-LD that describes files and columns.

Source: MLCommons, Croissant Format Specification 1.0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.export.format import FormatName
from pathgen.release.settings import ReleaseSettings

# The context of the specification, which readers expect verbatim.
_TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet"),
    *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
    *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
    "transform",
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_MEDIA = {".parquet": "application/x-parquet", ".h5": "application/x-hdf5", ".json": "application/json"}
_PNG = "pictures"
_INDEX = "index.parquet"
_TABLE = "patches.parquet"


def licence_address(settings: ReleaseSettings) -> str:
    """Return the URL of the licence; of a custom licence, its name."""
    licence = str(settings.licence)
    return licence if licence.startswith("LicenseRef-") else f"https://spdx.org/licenses/{licence}.html"


def croissant(
    settings: ReleaseSettings,
    form: FormatName,
    index: pd.DataFrame,
    sums: Mapping[str, str],
    description: str,
) -> dict[str, Any]:
    """Describe a bundle.

    Args:
        settings: Name, version, licence and so on.
        form: Format of the patches.
        index: Table of the released patches.
        sums: Path of each data file within the bundle to its SHA-256.
        description: Description of the set.

    Returns:
        JSON-LD, without unknown values (URL, date).
    """
    optional = {"url": settings.url, "datePublished": settings.published}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": settings.name,
        "description": description,
        "version": settings.version,
        "license": licence_address(settings),
        "creator": {"@type": "sc:Organization", "name": settings.creator},
        "citeAs": f"{settings.creator}: {settings.name}, version {settings.version}.",
        "keywords": ["synthetic", "histopathology", "patches", "tumour classification"],
        "isLiveDataset": False,
        **{name: value for name, value in optional.items() if value is not None},
        "distribution": _distribution(form, sums),
        "recordSet": _record_sets(form, index),
    }


def _distribution(form: FormatName, sums: Mapping[str, str]) -> list[dict[str, Any]]:
    files = []
    for path in map(Path, sums):
        if path.suffix != ".png":
            facts = {"encodingFormat": _MEDIA[path.suffix], "sha256": sums[path.as_posix()]}
            files.append(_node("FileObject", path.name, contentUrl=path.as_posix(), **facts))
    if form != "imagefolder":
        return files
    what = "One PNG file per patch, in a folder of its class."
    pictures = {"description": what, "encodingFormat": "image/png", "includes": "data/*/*.png"}
    return [*files, _node("FileSet", _PNG, **pictures)]


def _record_sets(form: FormatName, index: pd.DataFrame) -> list[dict[str, Any]]:
    if form == "imagefolder":
        label = {**_from_pictures("fullpath"), "transform": {"regex": r"data/([a-z]+)/.+\.png"}}
        fields = [
            _field("patches/image", "sc:ImageObject", _from_pictures("content")),
            _field("patches/file", "sc:Text", _from_pictures("filename")),
            _field("patches/label", "sc:Text", label),
        ]
        pictures = _node("RecordSet", "patches", description="The patches.", field=fields)
        return [pictures, _columns("index", _INDEX, index)]
    if form == "parquet":
        records = _columns("patches", _TABLE, index)
        image = {**_from_table(_TABLE, "image"), "transform": {"jsonPath": "bytes"}}
        records["field"] = [_field("patches/image", "sc:ImageObject", image), *records["field"]]
        return [records]
    # Croissant cannot describe the content of HDF5 files; their rows are those of the table.
    return [_columns("index", f"camelyonpatch_level_2_split_train_{_INDEX}", index)]


def _columns(name: str, file: str, index: pd.DataFrame) -> dict[str, Any]:
    fields = []
    for column in index.columns:
        kind = "sc:Integer" if pd.api.types.is_integer_dtype(index[column]) else "sc:Text"
        fields.append(_field(f"{name}/{column}", kind, _from_table(file, column)))
    what = "One row per patch, in the order of the patches."
    return _node("RecordSet", name, description=what, field=fields)


def _field(identifier: str, kind: str, source: Mapping[str, Any]) -> dict[str, Any]:
    return _node("Field", identifier, dataType=kind, source=source)


def _node(kind: str, identifier: str, **properties: Any) -> dict[str, Any]:
    """Return a node of the description, named by the last part of its identifier."""
    name = identifier.rpartition("/")[2]
    return {"@type": f"cr:{kind}", "@id": identifier, "name": name, **properties}


def _from_table(file: str, column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": file}, "extract": {"column": column}}


def _from_pictures(what: str) -> dict[str, Any]:
    return {"fileSet": {"@id": _PNG}, "extract": {"fileProperty": what}}
