"""What else than patches the points of the sweep depend on, as `dp_sweep/dvc.yaml` has it."""

from pathgen.provenance.params_hash import code_of_stage, network_of, setting
from pathgen.studies.dp_sweep.settings import DpSweepSettings


def state_names(settings: DpSweepSettings) -> list[str]:
    """Return the names, of `params_hash`, of settings, code that trains and attacks, and network."""
    recipe = f"train_classifier.classifiers.{settings.classifier}"
    drawing = [f"synthesise.{name}" for name in ("seed", "per_class")]
    training = [f"train_gan.{name}" for name in ("seed", "augment", "dpdcgan")]
    judging = ["evaluate.threshold", "privacy", "compute"]
    return [
        *(setting(path) for path in ("dp_sweep", *training, *drawing, recipe, *judging)),
        code_of_stage("dp_point"),
        network_of(settings.classifier),
    ]
