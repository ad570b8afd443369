"""Compare the regimes on the same test patches."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.evaluation.compare import TESTED, compare, differences_table, regimes_table
from pathgen.evaluation.evaluated_runs import cluster_patches, load_runs
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.patches.parquet import read_table, write_csv
from pathgen.run_matrix import ORIGINAL, PipelineSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings = load_section("evaluate", EvaluateSettings)
    test, runs = load_runs(layout.EVALUATION, load_section("pipeline", PipelineSettings))
    clusters = cluster_patches(test.slides, test.labels, read_table(layout.COHORT))
    # Apart from the regimes: controls change neither their table nor their adjusted p-values.
    comparison = compare(test, [run for run in runs if not run.key.is_control], clusters, settings)
    comparison.save(layout.COMPARISON_JSON)
    controls = [run for run in runs if run.key.is_control or run.key.regime == ORIGINAL]
    compare(test, controls, clusters, settings).save(layout.COMPARED_CONTROLS)
    write_csv(regimes_table(comparison), layout.COMPARISON / "regimes.csv")
    write_csv(differences_table(comparison), layout.COMPARISON / "differences.csv")
    for pair in comparison.differences:
        key = f"compare/{pair.classifier}/{pair.regime}/{pair.against}"
        values = {
            f"{key}/accuracy": pair.metrics[TESTED].difference if TESTED in pair.metrics else None,
            f"{key}/p_value": pair.p_value,
            f"{key}/p_adjusted": pair.p_adjusted,
            f"{key}/minimum_difference": pair.minimum_difference,
        }
        stage.run.metrics({name: value for name, value in values.items() if value is not None}, 0)
    stage.run.artifact(layout.COMPARISON)


if __name__ == "__main__":
    main()
