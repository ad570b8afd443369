"""Measure how much the synthetic set leaks about its training patches, with controls."""

from functools import partial

from pathgen.core import layout
from pathgen.core.files import atomic_folder
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.export import selected_by
from pathgen.gan.gan_checkpoint import load_discriminator
from pathgen.gan.synthesis import discriminator_scores
from pathgen.patches.image_grid import save_png
from pathgen.patches.store import open_patch_set
from pathgen.privacy.audit import audit
from pathgen.privacy.group_risk import Origins
from pathgen.privacy.settings import PrivacySettings
from pathgen.training.compute import start_compute
from pathgen.webpage.pictures import save_svg
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    sets = layout.synthetic_sets(generator)
    models = layout.gan_models(generator)
    results = layout.privacy(generator)
    settings = load_section("privacy", PrivacySettings)
    device, _ = start_compute()
    synthetic = {label: open_patch_set(folder) for label, folder in sets.items()}
    original = {}
    for role in ("train", "nonmember", "reference", "test"):
        patches = open_patch_set(layout.PATCHES / role)
        original[role] = {str(label): patches.of_label(label) for label in LABELS}
    train, nonmember, reference = (
        {label: patches.images for label, patches in original[role].items()}
        for role in ("train", "nonmember", "reference")
    )
    report = audit(
        train,
        nonmember,
        reference,
        {label: of_label.images for label, of_label in synthetic.items()},
        settings,
        discriminators={
            label: partial(discriminator_scores, load_discriminator(model), device=device)
            for label, model in models.items()
        },
        origins=Origins(original["train"], original["nonmember"], original["test"]),
        device=str(device),
    )
    with atomic_folder(results / "pictures") as draft:
        for name, picture in report.pictures.items():
            save_png(picture, draft / f"{name}.png")
            stage.run.image(name, picture, 0)
        for name, plot in report.plots.items():
            save_svg(plot, draft / f"{name}.svg")
    record = report.record
    selected = {label: selected_by(patches.index) for label, patches in synthetic.items()}
    if any(selected.values()):
        record = record.model_copy(update={"selected_by": selected})
    record.save(results / "metrics.json")
    stage.run.metrics(record.metrics, 0)
    stage.run.tag("privacy.verdict", record.verdict)


if __name__ == "__main__":
    main()
