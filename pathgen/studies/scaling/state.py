"""What else than patches and generators the points and curves depend on, as `scaling/dvc.yaml` has it."""

from pathgen.provenance.params_hash import code_of_stage, network_of, setting
from pathgen.studies.scaling.settings import ScalingSettings


def state_names(settings: ScalingSettings) -> list[str]:
    """Return the names, of `pathgen.provenance.params_hash`, of settings, code that trains, and networks."""
    recipes = [f"train_classifier.classifiers.{name}" for name in settings.classifiers]
    drawing = [f"synthesise.{name}" for name in ("seed", "best_of", "stylegan2")]
    return [
        *(setting(path) for path in ("scaling", *recipes, *drawing, "evaluate.threshold", "compute")),
        *(code_of_stage(script) for script in ("scaling_original", "scaling_synthetic")),
        *(network_of(name) for name in settings.classifiers),
    ]
