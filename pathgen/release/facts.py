"""What a datasheet says in numbers, as Markdown."""

import io
from collections.abc import Sequence
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from pathgen.gan.export import selected_by
from pathgen.gan.settings import networks_of
from pathgen.privacy.verdict import NO_PROOF
from pathgen.release.inputs import Finished
from pathgen.release.limits import checks
from pathgen.report.comparison import on_synthetic_table
from pathgen.report.dp_guarantee import guarantees
from pathgen.report.headline import costs, sentence
from pathgen.report.load import read_metrics
from pathgen.report.metric_table import lines_of, write_value
from pathgen.run_matrix import JOINT, kind_of
from pathgen.webpage.display_names import counted

UNKNOWN = "Not known to this study"
_SLIDE_SOURCES = ("phantom", "camelyon16", "slide_csv")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def sizes(study: Finished) -> str:
    """Say how many patches of which size there are."""
    rows = [[label, f"{len(patches):,}"] for label, patches in study.sets.items()]
    side = next(iter(study.sets.values())).images.shape[1]
    total = sum(len(patches) for patches in study.sets.values())
    counted = table(["class", "patches"], rows)
    return f"{total:,} patches, RGB, 8 bit per channel, {side} x {side} px.\n\n{counted}"


def resolution(study: Finished) -> str:
    """Say how large a pixel is on the slide, if the source knows."""
    index = study.params["index"]
    if study.params["cohort"]["source"] not in _SLIDE_SOURCES or index is None:
        return f"{UNKNOWN}: the source gives patches without the resolution of the slides they are from."
    side = next(iter(study.sets.values())).images.shape[1]
    return (
        f"{index['mpp'] * index['patch_px'] / side:g} µm per pixel, as the originals that the generator "
        f"learnt from ({index['patch_px']} px at {index['mpp']:g} µm, reduced to {side} px)."
    )


def no_patients(study: Finished) -> bool:
    """Tell whether the originals are drawings, behind which there is nobody."""
    return set(study.cohort["source"]) == {"phantom"}


def origin(study: Finished) -> str:
    """Say by what the patches were drawn."""
    if kind_of(study.generator) in JOINT:
        return f"One generator ({study.generator}) learnt from the originals of both classes and drew both."
    return (
        f"One generator per class ({study.generator}) learnt from original patches of that class and drew it."
    )


def originals(study: Finished) -> str:
    """Say what the generator has learnt from."""
    frame = study.training
    counts = " and ".join(f"{count:,} {label}" for label, count in frame["label"].value_counts().items())
    known = bool(study.cohort["slide_known"].any())
    slides = counted(frame["slide"].nunique(), "slide") if known else "an unknown number of slides"
    sources = ", ".join(sorted(study.cohort["source"].unique()))
    said = f"{counts} original patches from {slides} (source: {sources})."
    if no_patients(study):
        return f"{said} These slides are procedural drawings, not tissue: no patient is behind them."
    patients = frame["patient"].dropna().nunique()
    if patients:
        return f"{said} They are of {counted(patients, 'patient')}."
    return f"{said} {UNKNOWN}: of how many patients they are."


def label_rule(study: Finished) -> str:
    """Say what the two classes of the originals mean."""
    rule = study.params["sample"]["label"]
    if study.params["cohort"]["source"] not in _SLIDE_SOURCES:
        return "The labels of the originals are those of their source."
    if rule["rule"] == "paper":
        return "An original counted as tumor as soon as it touched an outline of a lesion, else as normal."
    return (
        f"An original counted as tumor when at least {rule['min_tumor_fraction']:.0%} of it lay inside "
        f"outlines of lesions, as normal when at most {rule['max_normal_fraction']:.0%} did; what lay "
        "between was not used."
    )


def guarantee(study: Finished) -> str:
    """Say what differential privacy proves, or that nothing is proven."""
    said = guarantees(study.inputs.models, [study.generator])
    return said.get(study.generator, f"{UNKNOWN}: the generator's model.json is not there.")


def selection(study: Finished) -> str:
    """Say whether anything chose among the synthetic patches."""
    chosen = {label: selected_by(patches.index) for label, patches in study.sets.items()}
    told = [f"{label}: {what}" for label, what in chosen.items() if what]
    if not told:
        return "None: the patches are the first that the generator drew from its seed, in their order."
    return (
        f"Yes ({'; '.join(told)}). What chose them has learnt from the patients’ patches. The audit looked "
        "at the chosen patches."
    )


def generator_settings(study: Finished) -> str:
    """Write the settings of the generator's training and drawing, as in params.yaml."""
    training = study.params["train_gan"]
    own = networks_of(study.generator)
    shared = {name: value for name, value in training.items() if not isinstance(value, dict)}
    stated = {
        "generator": study.generator,
        "train_gan": shared | {own: training[own]},
        "synthesise": {
            name: value
            for name, value in study.params["synthesise"].items()
            if not isinstance(value, dict) or name == own
        },
    }
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(stated, text)
    return f"```yaml\n{text.getvalue().rstrip()}\n```"


def utility(study: Finished) -> str:
    """Say what training on the set costs a classifier; of several generators, this kind's rows alone."""
    kind = kind_of(study.generator)
    confidence = study.results.confidence
    found = costs(study.results.rows, confidence, study.results.comparison)
    said = [sentence(cost, confidence) for cost in found if cost.row.generator == kind]
    return "\n".join(f"- {one}" for one in said) if said else "Not measured in this study."


def recognised(study: Finished) -> str:
    """Tabulate what classifiers of original patches make of the synthetic ones."""
    found = {
        name: measured
        for name, measured in read_metrics(study.inputs.on_synthetic).items()
        if name.partition("-")[0] == study.generator
    }
    shown = on_synthetic_table(found)
    if shown is None:
        return "Not measured in this study."
    lines = [[cell.replace("\n", ", ") for cell in line] for line in shown.lines]
    return f"{shown.caption}\n\n{table(shown.head, lines)}"


def fidelity(study: Finished) -> str:
    """Tabulate how alike synthetic and original patches are, beside the floor between two original sets."""
    lines = [line for line in lines_of(study.fidelity) if not line.alone]
    rows = [[line.name, line.value, line.interval, line.beside] for line in lines]
    said = (
        "The nearer a value is to that of two sets of originals (the floor), the more alike. Manifold "
        "precision is the share of synthetic patches that lie among originals; manifold recall and coverage "
        "tell how much of the originals’ variety the set has; all others are distances, or densities."
    )
    return f"{said}\n\n{table(['measure', 'value', 'interval', 'two sets of originals'], rows)}"


def privacy(study: Finished) -> str:
    """Repeat the verdict of the audit, in its own words."""
    labels: dict[str, Any] = study.privacy.get("labels", {})
    said = [str(audit["text"]) for audit in labels.values() if "text" in audit]
    controls = [control for audit in labels.values() for control in audit.get("controls", [])]
    kept = sum(bool(control["as_expected"]) for control in controls)
    trials = (
        f"Beside the set the audit tests sets whose answer is known, {len(controls)} in all: some hold "
        f"hidden copies of training patches, some nothing of them. {kept} came out as they must."
    )
    reach = (
        "The tests are about patches: whether a training patch can be told from an unseen one of the same "
        "slides. Whether it can be told that a patient took part at all is another question."
    )
    verdict = str(study.privacy["verdict"]).capitalize()
    return "\n\n".join([f"**{verdict}.** {trials}", *said, reach, NO_PROOF])


def limits(study: Finished) -> str:
    """Tabulate the limits that the set has kept."""
    rows = [
        [
            check.words,
            "not measured" if check.value is None else write_value(check.value),
            "not asked"
            if check.limit is None
            else f"{'at most' if check.setting.startswith('max_') else 'at least'} {check.limit:g}",
        ]
        for check in checks(study)
    ]
    return table(["measure", "value", "asked for"], rows)


def columns(index: pd.DataFrame) -> str:
    """List the columns of the table that goes with the patches."""
    words = {
        "item": "number of the patch within its class, in the order of drawing",
        "label": "the class that the generator was told to draw: normal or tumor",
        "generator": "the generator's name in the study",
        "seed": "the seed of the drawing",
        "selected_by": "what chose the patch among candidates",
    }
    return table(["column", "meaning"], [[name, words.get(name, UNKNOWN)] for name in index.columns])
