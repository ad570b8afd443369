"""Check all of params.yaml before anything computes; hash all code; drop results no longer asked for."""

from pathlib import Path

from pathgen.classifier.network_discovery import read_weights
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.gan.settings import TrainGanSettings
from pathgen.provenance.code_hash import write_manifests
from pathgen.run_matrix import PipelineSettings, prune
from pathgen.sources.source_discovery import load_cohort_settings
from pathgen.validation import validate_params


@cli_errors()
def main() -> None:
    """Run the stage."""
    validate_params()
    pipeline = load_section("pipeline", PipelineSettings)
    classifiers = load_section("train_classifier", TrainClassifierSettings).classifiers
    prune(pipeline, Path())
    recipes = {name: classifiers[name] for name in pipeline.classifiers}
    for recipe in recipes.values():
        if recipe.weights_file is not None:
            read_weights(Path(recipe.weights_file), recipe.weights_sha256)
    source = load_cohort_settings().source
    generators = load_section("train_gan", TrainGanSettings)
    write_manifests(
        {
            "classifiers": {name: recipe.network for name, recipe in recipes.items()},
            "generators": {name: generators.recipe(name).network for name in pipeline.generators},
            "sources": {source: source},
        }
    )


if __name__ == "__main__":
    main()
