"""Texts of a bundle, from the templates of this package.

Source: the sections of the datasheet are those of Gebru et al., Datasheets for Datasets (2021); the questions
are reworded.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import pathgen
from pathgen.export.format import FormatName
from pathgen.patches.schemas import slides_known
from pathgen.release.croissant import licence_address
from pathgen.release.gate import identities, named_in
from pathgen.release.limits import checks
from pathgen.release.release_inputs import ReleaseInputs
from pathgen.report.hashes import code_hash, result_versions
from pathgen.report.metric_table import metric_rows
from pathgen.report.privacy_section import certainty
from pathgen.report.read_results import read_trts
from pathgen.webpage.rendering import render


def write_texts(study: ReleaseInputs, form: FormatName, columns: Sequence[str], folder: Path) -> None:
    """Write the README, the datasheet and the terms of use.

    Args:
        study: Study to release.
        form: Format of the patches.
        columns: Names of the columns of the table of the released patches.
        folder: Folder of the bundle.
    """
    settings = study.settings
    terms = {"settings": settings, "address": licence_address(settings)}
    texts = {
        "README.md": {"settings": settings, "form": form, "description": description(study)},
        "datasheet.md": _datasheet(study, columns),
        "LICENSES.md": terms,
    }
    for name, values in texts.items():
        (folder / name).write_text(render(f"release/{name}.j2", **values), encoding="utf-8")


def _datasheet(study: ReleaseInputs, columns: Sequence[str]) -> dict[str, Any]:
    """Return the values of the datasheet's template."""
    trained_on_set = [
        cost
        for cost in study.results.costs
        if any(run.key.generator == study.generator for run in cost.row.runs)
    ]
    return {
        "study": study,
        "settings": study.settings,
        "audit": study.audit,
        "fidelity": metric_rows(study.fidelity.metrics),
        "costs": trained_on_set,
        "trts": {key: record for key, record in read_trts(study.root).items() if key[0] == study.generator},
        "checks": checks(study),
        "columns": columns,
        "class_counts": {label: int((study.training["label"] == label).sum()) for label in study.sets},
        "slides": study.training["slide"].nunique() if slides_known(study.cohort) else None,
        "patients": study.training["patient"].dropna().nunique(),
        "sources": sorted(study.cohort["source"].unique()),
        "um_per_px": _um_per_px(study),
        "joint": _is_joint(study),
        "recipe": _recipe(study),
        "names": named_in(study.page, identities(study)),
        "versions": {"pathgen": pathgen.__version__, **result_versions()},
        "digest": code_hash(),
        "certainty": certainty,
    }


def description(study: ReleaseInputs) -> str:
    """Describe the set in two sentences."""
    return (
        f"{study.count:,} synthetic histopathology patches of {study.side_px} x {study.side_px} px in two "
        f"classes, normal and tumor, made by the generator {study.generator}. The set contains no original "
        "patch; the datasheet reports what was measured and what cannot be guaranteed."
    )


def _um_per_px(study: ReleaseInputs) -> float | None:
    """Return the size of a pixel on the slide, in µm; None where the source has patches without slides."""
    index = study.params.get("index")
    if index is None or study.cohort["mpp_x"].isna().all():
        return None
    return float(index["mpp"] * index["patch_px"] / study.side_px)


def _is_joint(study: ReleaseInputs) -> bool:
    """Return whether one training learnt all classes: then all checkpoints state the same training data."""
    data = [(meta.model_extra or {}).get("images_sha256") for meta in study.models.values()]
    return len(data) > 1 and len(set(data)) == 1 and data[0] is not None


def _recipe(study: ReleaseInputs) -> str:
    """Write the hyper-parameters of the generator's training and the settings of its sampling, as YAML."""
    recipes = {label: dict(meta.recipe) for label, meta in study.models.items()}
    stated = {"generator": study.generator, "recipe": recipes, "synthesise": study.params["synthesise"]}
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(stated, text)
    return text.getvalue().rstrip()
