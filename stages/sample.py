"""Split by slide, label, and sample the disjoint roles without replacement."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.candidates_io import complete, read_to_draw
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.settings import SampleSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    sample = load_section("sample", SampleSettings)
    drawn = sample_cohort(read_table(layout.COHORT), read_to_draw(layout.CANDIDATES), sample)
    write_table(complete(drawn, layout.CANDIDATES), layout.SAMPLES)
    counts = ("sample/" + drawn["role"] + "/" + drawn["label"]).value_counts()
    stage.run.metrics({str(name): float(count) for name, count in counts.items()}, 0)


if __name__ == "__main__":
    main()
