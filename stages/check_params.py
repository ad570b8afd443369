"""Check all of params.yaml before anything computes; hash all code; drop results no longer asked for."""

from pathlib import Path

from pathgen.classifier.catalogue import code_digests, read_weights
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.code import CODE, NETWORKS, code_of, stage_scripts
from pathgen.core.files import atomic_folder, write_json
from pathgen.core.params import load_section
from pathgen.errors import errors_to_exit
from pathgen.pipeline import PipelineSettings, keep_only, prune
from pathgen.studies.dp_sweep.settings import DpSweepSettings
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.validation import validate_params


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    validate_params()
    pipeline = load_section("pipeline", PipelineSettings)
    classifiers = load_section("train_classifier", TrainClassifierSettings).classifiers
    prune(pipeline, Path())
    keep_only(Path("results/scaling/points"), load_section("scaling", ScalingSettings).points())
    keep_only(Path("results/dp_sweep/points"), set(load_section("dp_sweep", DpSweepSettings).points()))
    # Each stage waits for the entry of its own network, and is not invalidated by other networks.
    with atomic_folder(NETWORKS) as draft:
        for name in pipeline.classifiers:
            wanted = classifiers[name]
            if wanted.weights_file is not None:
                read_weights(Path(wanted.weights_file), wanted.weights_sha256)
            facts = {"network": wanted.network, "code": code_digests(wanted.network)}
            write_json(draft / f"{name}.json", facts)
    with atomic_folder(CODE) as draft:
        for script in stage_scripts():
            write_json(draft / f"{script.stem}.json", {"code": code_of(script)})


if __name__ == "__main__":
    main()
