"""Measure how much the synthetic sets of a generator leak about their training patches, with controls."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.files import copy_folder
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.export import selected_by
from pathgen.gan.gan_checkpoint import load_discriminator
from pathgen.gan.synthesis import discriminator_scores
from pathgen.jobs.job import Job
from pathgen.patches.image_grid import save_png
from pathgen.patches.store import open_patch_set
from pathgen.privacy.audit import audit
from pathgen.privacy.group_risk import Origins
from pathgen.privacy.settings import PrivacySettings
from pathgen.provenance.cache_key import file_hashes
from pathgen.results.audit_record import Audit, worst
from pathgen.run_matrix import PipelineSettings
from pathgen.tracking.run import nested_run
from pathgen.training.compute import apply_compute, start_compute
from pathgen.training.metric_logger import OpenRun
from pathgen.training.settings import ComputeSettings
from pathgen.webpage.pictures import save_svg
from stages.parallel import part_key, run_parts
from stages.stage import Stage, dvc_stage

_METRICS, _PICTURES = "metrics.json", "pictures"


@dataclass(frozen=True)
class SetAudit:
    """Work of the job of one synthetic set.

    Attributes:
        generator: Name of the generator.
        replicate: Number of its training.
        settings: Section ``privacy``.
        compute: Section ``compute``.
        open_run: Opens the record of the audit.
    """

    generator: str
    replicate: int
    settings: PrivacySettings
    compute: ComputeSettings
    open_run: OpenRun

    def __call__(self, folder: Path) -> dict[str, Any]:
        """Audit the set, and write the results into the folder."""
        device = apply_compute(device=self.compute.device, threads=self.compute.threads)
        sets = layout.synthetic_sets(self.generator, self.replicate)
        models = layout.gan_models(self.generator, self.replicate)
        synthetic = {label: open_patch_set(patches) for label, patches in sets.items()}
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
            self.settings,
            discriminators={
                label: partial(discriminator_scores, load_discriminator(model), device=device)
                for label, model in models.items()
            },
            origins=Origins(original["train"], original["nonmember"], original["test"]),
            device=str(device),
        )
        tags = {"stage": "privacy", "generator": self.generator, "replicate": self.replicate}
        (folder / _PICTURES).mkdir()
        with self.open_run(f"privacy {self.generator}-{self.replicate}", parameters={}, tags=tags) as run:
            for name, picture in report.pictures.items():
                save_png(picture, folder / _PICTURES / f"{name}.png")
                run.image(name, picture, 0)
            for name, plot in report.plots.items():
                save_svg(plot, folder / _PICTURES / f"{name}.svg")
            record = report.record
            selected = {label: selected_by(patches.index) for label, patches in synthetic.items()}
            if any(selected.values()):
                record = record.model_copy(update={"selected_by": selected})
            record.save(folder / _METRICS)
            run.metrics(record.metrics, 0)
            run.tag("privacy.verdict", record.verdict)
        return {}


@dvc_stage()
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    replicates = load_section("pipeline", PipelineSettings).all_replicates
    settings = load_section("privacy", PrivacySettings).of_each(len(replicates))
    device, compute = start_compute()
    originals = file_hashes(*(layout.PATCHES / role for role in ("train", "nonmember", "reference", "test")))
    jobs = []
    for replicate in replicates:
        sets = layout.synthetic_sets(generator, replicate)
        models = layout.gan_models(generator, replicate)
        inputs = originals | file_hashes(*sets.values(), *models.values())
        work = SetAudit(generator, replicate, settings, compute, partial(nested_run, stage.run.run_id))
        key = part_key(stage, settings.model_dump(), inputs, compute, device)
        jobs.append(Job(f"{generator}-{replicate}", key, work))
    results = run_parts(stage, jobs, f"privacy/{generator}", "sets")
    audits = {}
    for replicate, result in zip(replicates, results, strict=True):
        audits[replicate] = Audit.load(result.folder / _METRICS)
        target = layout.privacy(generator, replicate)
        copy_folder(result.folder / _PICTURES, target / _PICTURES)
        audits[replicate].save(target / _METRICS)
        stage.run.metrics(audits[replicate].metrics, replicate)
    stage.run.tag("privacy.verdict", audits[worst(audits)].verdict)


if __name__ == "__main__":
    main()
