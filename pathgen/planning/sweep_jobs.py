"""The work of the sweep over epsilon, which has a pipeline of its own."""

from pathgen.core.labels import LABELS
from pathgen.planning.audit_work import attack_work
from pathgen.planning.study import Study
from pathgen.planning.workload import Job, images_of_gan, patches_per_role
from pathgen.studies.dp_sweep.settings import PRIVATE_NETWORKS


def sweep_jobs(study: Study) -> list[Job]:
    """Return one job of the group ``dp_sweep`` per point: two private trainings, a classifier, an attack."""
    settings, private = study.dp_sweep, study.train_gan.dpdcgan
    steps, roles = settings.training.max_steps, patches_per_role(study.sample.per_class)
    looks = -(-steps // settings.training.validate_every_steps) + 1
    drawn = study.synthesise.per_class
    work = {
        f"{PRIVATE_NETWORKS} trained": len(LABELS) * images_of_gan(private.kimg, private.batch_size),
        f"{PRIVATE_NETWORKS} drawn": len(LABELS) * drawn,
        f"{settings.classifier} trained": steps
        * study.train_classifier.classifiers[settings.classifier].batch_size,
        f"{settings.classifier} predicted": looks * roles["valid"] + roles["test"],
        **attack_work(study.privacy, study.sample.per_class, drawn, study.extract.size_px, len(LABELS)),
    }
    return [Job(f"dp_sweep@{point}", work) for point in settings.points()]
