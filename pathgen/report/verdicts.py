"""What the fidelity and privacy stages found, parted into words and numbers. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathgen.report import breakdown
from pathgen.report.measures import Measure, measures, nested
from pathgen.webpage.table import Table


@dataclass(frozen=True)
class PrivacyPart:
    """What the audit of one generator says.

    Attributes:
        paragraphs: Its verdicts in words.
        lines: What it measured.
        controls: Whether its tests found planted copies, and kept still without any.
    """

    paragraphs: Sequence[str]
    lines: Sequence[Measure]
    controls: Table | None


def lines_of(content: Mapping[str, Any]) -> list[Measure]:
    """List the measures of one file; keys begin with the stage's own name, which the section says already."""
    tree = nested(content)
    found = tree.pop("metrics", {})
    of_stage = [found.pop(stage) for stage in ("fidelity", "privacy") if stage in found]
    return [line for part in (*of_stage, found, tree) for line in measures(part)]


def privacy_part(content: Mapping[str, Any]) -> PrivacyPart:
    """Part the words from the numbers; the tests of a label are in the metrics already, with its name."""
    labels = {
        label: audit for label, audit in content.get("labels", {}).items() if isinstance(audit, Mapping)
    }
    rest = {key: value for key, value in content.items() if key not in ("verdict", "labels", "selected_by")}
    rest["patches"] = {label: audit["patches"] for label, audit in labels.items() if "patches" in audit}
    paragraphs = [str(audit["text"]) for audit in labels.values() if "text" in audit]
    chosen = [f"{label}: {what}" for label, what in content.get("selected_by", {}).items() if what]
    if chosen:
        paragraphs.append(
            f"The synthetic patches were not taken as they came, but chosen ({'; '.join(chosen)}). What "
            "chose them has learnt from the patients’ patches, so the set may give away more of them."
        )
    if "verdict" in content:
        paragraphs.insert(0, f"Verdict: {content['verdict']}.")
    return PrivacyPart(paragraphs, lines_of(rest), breakdown.controls_table(labels))
