"""Settings of ``pathgen release`` (section ``release``): contents of the bundle, and limits."""

from typing import Annotated, Literal

from pydantic import Field

from pathgen.core.params import Settings

_Text = Annotated[str, Field(min_length=1)]


class LimitSettings(Settings):
    """Limits of a released set; null sets no limit."""

    max_membership_auc: float | None = Field(
        ge=0.5,
        le=1,
        description="Largest allowed upper end of the confidence interval of any membership attack's ROC-AUC "
        "(0.5: chance level, 1: identifies every training patch). Few audited patches give wide intervals.",
    )
    max_too_near: float | None = Field(
        ge=0,
        le=1,
        description="Largest allowed upper end of the confidence interval of the share of synthetic patches "
        "that are closer to a training patch than 99.9 % of unseen originals are.",
    )
    min_audited: float | None = Field(
        gt=0,
        le=1,
        description="Smallest allowed share of each class's released patches that the privacy audit covers.",
    )
    min_accuracy: float | None = Field(
        ge=0,
        le=1,
        description="Smallest allowed accuracy on original test patches of the worst classifier trained on "
        "synthetic patches alone, mean over seeds. A limit below the accuracy on the mean colour alone is "
        "refused.",
    )


class ReleaseSettings(Settings):
    """Section `release`. No stage reads it, so no setting changes a result."""

    name: _Text = Field(max_length=200, description="Name of the released set.")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="Its version, e.g. 1.0.0.")
    published: str | None = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$", description="Date of publication, e.g. 2026-01-31; null: unknown."
    )
    creator: _Text | None = Field(
        description="Person or institution that releases the set. Required for a release."
    )
    contact: _Text | None = Field(description="Contact for questions and objections of patients. Required.")
    url: _Text | None = Field(description="URL of the set; null: unknown.")
    licence: str | None = Field(
        pattern=r"^[A-Za-z0-9.+-]+$",
        description="Licence of the set as SPDX identifier, e.g. CC-BY-4.0, or LicenseRef-... with "
        "`licence_file`. Required.",
    )
    licence_file: _Text | None = Field(
        description="File with the text of the licence, copied into the bundle."
    )
    original_terms: _Text | None = Field(
        description="Terms under which the original slides could be used for this: licence, consent, "
        "decision of an ethics board. Required."
    )
    slide_names: Literal["refuse", "allow"] = Field(
        description="Whether the report in the bundle may name slides and patients. 'allow' only when these "
        "names are public, or are pseudonyms."
    )
    limits: LimitSettings
