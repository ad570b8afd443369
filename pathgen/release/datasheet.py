"""The datasheet: what the study knows of the set, and what it does not know, said as such.

Source: the sections are those of Gebru et al., Datasheets for Datasets (2021); the questions are worded anew.
"""

from collections.abc import Mapping
from importlib import metadata

import pandas as pd

from pathgen.release import facts
from pathgen.release.gate import identities, named_in
from pathgen.release.inputs import Finished
from pathgen.webpage.display_names import counted

_Answers = Mapping[str, str]


def datasheet(study: Finished, index: pd.DataFrame, versions: Mapping[str, str], digest: str) -> str:
    """Write the datasheet.

    Args:
        study: What is released.
        index: Table of the released patches.
        versions: Library to its version.
        digest: Hash of pathgen's code.

    Returns:
        Markdown that ends in a newline.
    """
    settings = study.settings
    sections: dict[str, _Answers] = {
        "Motivation": _motivation(study),
        "Composition": _composition(study, index),
        "Collection": _collection(study, versions, digest),
        "Preprocessing and labels": _labels(study),
        "What was measured": _measured(study),
        "Uses": _uses(study),
        "Distribution": _distribution(study),
        "Maintenance": _maintenance(study),
    }
    parts = [
        f"# Datasheet: {settings.name}, version {settings.version}",
        "This set is synthetic: a computer drew every patch. Written by `pathgen release` from the results "
        f"and settings of one study; what the study cannot know is marked “{facts.UNKNOWN}”. Numbers in "
        "detail, with plots and all settings: [report.html](report.html).",
    ]
    for title, answers in sections.items():
        parts.append(f"## {title}")
        parts += [f"**{question}**\n\n{answer}" for question, answer in answers.items()]
    return "\n\n".join(parts) + "\n"


def _motivation(study: Finished) -> _Answers:
    return {
        "For what was the set made?": "For training classifiers that tell tumour from normal tissue in "
        "patches of histology slides, where the patients’ own patches may not be passed on.",
        "Who made it?": f"{study.settings.creator}, with the software pathgen.",
        "Who paid for it?": f"{facts.UNKNOWN}.",
    }


def _composition(study: Finished, index: pd.DataFrame) -> _Answers:
    return {
        "What is in it?": facts.sizes(study),
        "How large is a pixel?": facts.resolution(study),
        "What is known of each patch?": facts.columns(index),
        "Is it a sample of something larger?": "The generator can draw any number of patches; these are the "
        "first of its seed. They are no sample of any population of patients: what is rare among the "
        "originals may be missing, and frequencies need not be those of the originals.",
        "Selected by anything?": facts.selection(study),
        "Are patches missing, or doubled?": "None is missing. That no two are alike was not checked. No "
        "patch is an original one pixel by pixel, turned or mirrored either: that was checked against all "
        "original patches of the study.",
        "Are there recommended splits?": "No. All of it is for training. Test on original patches: how well "
        "a classifier does on synthetic ones says little about how well it does on tissue.",
        "What errors and noise are in it?": "A patch may not show the class it was drawn for: see “What was "
        "measured”. No pathologist has looked at the patches, as far "
        "as this study knows.",
        "Does it hold data of people?": "No original patch is in it, and no model. It was made by a program "
        "that had learnt from original patches: see “What was measured”.",
        "Are groups of people told apart or left out?": f"{facts.UNKNOWN}: age, sex, origin, hospital and "
        "scanner of those behind the originals were not recorded. A set can be no fairer than its originals.",
    }


def _collection(study: Finished, versions: Mapping[str, str], digest: str) -> _Answers:
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {
        "Where do the patches come from?": facts.origin(study),
        "From what did the generator learn?": facts.originals(study),
        "With which settings?": facts.generator_settings(study),
        "With which software?": f"pathgen {metadata.version('pathgen')} (code sha256 {digest}), {libraries}.",
        "When were the originals taken?": f"{facts.UNKNOWN}.",
        "On what terms could they be used?": f"{study.settings.original_terms}",
        "Did the patients consent, and did an ethics board agree?": "There are no patients."
        if facts.no_patients(study)
        else f"{facts.UNKNOWN}, beyond what is said of the terms above.",
    }


def _labels(study: Finished) -> _Answers:
    return {
        "What do the classes mean?": "The label of a synthetic patch is the class of the originals that its "
        f"generator had learnt from, or was told to draw. {facts.label_rule(study)}",
        "What was done to the originals?": "They were cut out of the slides and reduced by averaging over "
        "areas; see the settings in the report (`index`, `sample`, `extract`).",
        "What was done to the synthetic patches?": "Nothing after drawing. The files hold them without loss.",
    }


def _measured(study: Finished) -> _Answers:
    return {
        "Does the set give away patients’ patches?": facts.privacy(study),
        "Is any of that proven?": facts.guarantee(study),
        "What had it to keep to?": facts.limits(study),
        "How good is a classifier trained on it?": facts.utility(study),
        "Do the patches show the class they were drawn for?": facts.recognised(study),
        "How alike are synthetic and original patches?": facts.fidelity(study),
    }


def _uses(study: Finished) -> _Answers:
    return {
        "What may it be used for?": "Training and trying out classifiers and software, teaching, comparison "
        "of generators.",
        "For what was it used?": "In this study, for training classifiers and for the measurements above. "
        f"{facts.UNKNOWN}: any other use.",
        "What must it not be used for?": "Diagnosis, or any statement about a patient or a population; "
        "testing what is meant for patients; looking for the people behind the originals. It is no medical "
        "product.",
        "What may go wrong?": "A classifier may learn traits of the generator instead of those of tissue, "
        "and fail on slides of other scanners and stains. Always test on original patches of the place of "
        "use.",
    }


def _distribution(study: Finished) -> _Answers:
    settings = study.settings
    date = f"{settings.published}" if settings.published else f"{facts.UNKNOWN}"
    where = settings.url if settings.url else facts.UNKNOWN
    return {
        "Under which licence?": f"{settings.licence}; see [LICENSES.md](LICENSES.md).",
        "When, and where?": f"Published: {date}. Address: {where}.",
        "What is left out on purpose?": "The generators and their discriminators (a discriminator gives away "
        "more about the training patches than the set does), all original patches, and all pictures made "
        "from them. The report holds statistics of the originals, and the settings of the study with the "
        f"names of its folders. {_names(study)}",
        "Has it been altered on the way?": "`sha256sum -c SHA256SUMS` tells.",
    }


def _maintenance(study: Finished) -> _Answers:
    return {
        "Whom to ask?": f"{study.settings.contact}",
        "Will it be updated?": f"{facts.UNKNOWN}. A new version has a new number; this is "
        f"{study.settings.version}.",
        "What if a patient withdraws consent?": "A patch cannot be traced to a patient, so nothing can be "
        "taken out of the set. The generator would have to be trained again without that patient’s patches, "
        "and the set be replaced; ask the contact.",
        "How can it be made again?": "With the study’s settings and versions of software (in the report) and "
        "its slides. On the same kind of machine the bytes are meant to be the same.",
    }


def _names(study: Finished) -> str:
    names = named_in(study.page, identities(study))
    if not names:
        return "It names no slide and no patient of the originals."
    return f"It names {counted(len(names), 'slide or patient', 'slides or patients')} of the originals."
