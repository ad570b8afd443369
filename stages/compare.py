"""Compare the regimes on the same test patches."""

from pathgen.core import layout
from pathgen.core.files import write_json
from pathgen.core.params import load_section
from pathgen.evaluation.compare import compare, differences_table, regimes_table
from pathgen.evaluation.load import has_slides, load_runs, slide_patients
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.patches.parquet import read_table, write_csv
from stages.context import Stage, dvc_stage

# Of section `evaluate`, as in dvc.yaml.
USED = ("confidence", "resamples", "seed", "power")


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings = load_section("evaluate", EvaluateSettings).model_dump(include=set(USED))
    cohort = read_table(layout.COHORT)
    test, runs = load_runs(layout.EVALUATION)
    found = compare(
        test,
        runs,
        slides_known=has_slides(cohort),
        patients=slide_patients(cohort),
        **settings,
    )
    write_json(layout.COMPARISON / "comparison.json", found)
    write_csv(regimes_table(found), layout.COMPARISON / "regimes.csv")
    write_csv(differences_table(found), layout.COMPARISON / "differences.csv")
    for pair in found["differences"]:
        name = f"compare/{pair['classifier']}/{pair['regime']}/{pair['against']}"
        measured = {"accuracy": pair["metrics"].get("accuracy", {}).get("difference")} | {
            key: pair.get(key) for key in ("p_value", "p_adjusted", "minimum_difference")
        }
        known = {f"{name}/{key}": value for key, value in measured.items() if value is not None}
        stage.run.metrics(known, 0)
    stage.run.artifact(layout.COMPARISON)


if __name__ == "__main__":
    main()
