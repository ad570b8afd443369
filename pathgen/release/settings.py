"""Settings of ``pathgen release`` (section ``release``): what the bundle says, and when there is none."""

from typing import Annotated, Literal

from pydantic import Field

from pathgen.core.params import Settings

_Text = Annotated[str, Field(min_length=1)]


class LimitSettings(Settings):
    """What a set must keep to be released; null does not ask."""

    max_membership_auc: float | None = Field(
        ge=0.5,
        le=1,
        description="Highest upper end of the interval of any membership attack's ROC-AUC, over the classes: "
        "0.5 is a guess, 1 names every training patch. Few audited patches make wide intervals.",
    )
    max_too_near: float | None = Field(
        ge=0,
        le=1,
        description="Highest upper end of the interval of the share of synthetic patches that are nearer to "
        "a training patch than 99.9 % of unseen originals are.",
    )
    min_audited: float | None = Field(
        gt=0,
        le=1,
        description="Least share of each class's released patches that the privacy audit has looked at.",
    )
    min_accuracy: float | None = Field(
        ge=0,
        le=1,
        description="Least accuracy on original test patches of a classifier trained on synthetic patches "
        "alone: the mean over the seeds, of the worst classifier.",
    )


class ReleaseSettings(Settings):
    """Section `release`. No stage reads it: nothing here changes a result."""

    name: _Text = Field(max_length=200, description="Name of the released set.")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="Its version, e.g. 1.0.0.")
    published: str | None = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$", description="Date of publication, e.g. 2026-01-31; null: not said."
    )
    creator: _Text | None = Field(description="Person or institution that releases it. Needed for a release.")
    contact: _Text | None = Field(description="Where to ask, or to report a patient's objection. Needed.")
    url: _Text | None = Field(description="Where the set will be found; null: not said.")
    licence: str | None = Field(
        pattern=r"^[A-Za-z0-9.+-]+$",
        description="Licence of the set as SPDX identifier, e.g. CC-BY-4.0, or LicenseRef-... with "
        "`licence_file`. Needed.",
    )
    licence_file: _Text | None = Field(description="File with the licence's text, to go with the set.")
    original_terms: _Text | None = Field(
        description="On what terms the original slides could be used for this: licence, consent, decision of "
        "an ethics board. Needed."
    )
    slide_names: Literal["refuse", "allow"] = Field(
        description="Whether the report in the bundle may name slides and patients. 'allow' only when these "
        "names are public, or are pseudonyms."
    )
    limits: LimitSettings
