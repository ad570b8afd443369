"""Check all of params.yaml before anything computes; hash all code; drop results no longer asked for."""

from pathlib import Path

from pathgen.classifier.network_discovery import read_weights
from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.files import atomic_folder, write_json
from pathgen.provenance.code_hash import write_manifests
from pathgen.run_matrix import prune
from pathgen.validation import validate_params


@cli_errors()
def main() -> None:
    """Run the stage."""
    study = validate_params()
    pipeline, source = study.pipeline, study.cohort.source
    prune(pipeline, Path())
    recipes = {name: study.train_classifier.classifiers[name] for name in pipeline.classifiers}
    for recipe in recipes.values():
        if recipe.weights_file is not None:
            read_weights(Path(recipe.weights_file), recipe.weights_sha256)
    write_manifests(
        {
            "classifiers": {name: recipe.network for name, recipe in recipes.items()},
            "generators": {name: study.train_gan.recipe(name).network for name in pipeline.generators},
            "sources": {source: source},
        }
    )
    with atomic_folder(layout.SAMPLING) as draft:
        for file, content in study.synthesise.sampling_files(pipeline.generators).items():
            write_json(draft / file.name, content)


if __name__ == "__main__":
    main()
