"""Answer from the results whether the synthetic patches are useful and private."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.parquet import read_table
from pathgen.results.audit_record import Audit
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Baseline
from pathgen.results.record import MetricValues
from pathgen.results.training_record import GeneratorMeta, largest_epsilon
from pathgen.run_matrix import PipelineSettings
from pathgen.verdict.build import AuditedSet, build_verdict
from pathgen.verdict.settings import VerdictSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    pipeline = load_section("pipeline", PipelineSettings)
    audits = {
        generator: [_audited(generator, replicate) for replicate in pipeline.all_replicates]
        for generator in pipeline.generators
    }
    verdict = build_verdict(
        Comparison.load(layout.COMPARISON_JSON),
        audits,
        controls=Comparison.load(layout.COMPARED_CONTROLS),
        generators=pipeline.generators,
        classifiers=pipeline.classifiers,
        margin=load_section("verdict", VerdictSettings).margin,
        demonstration=set(read_table(layout.COHORT)["source"]) == {"phantom"},
        mean_colour=Baseline.load(layout.BASELINE).accuracy,
    )
    verdict.save(layout.VERDICT)
    MetricValues(**verdict.headline).save(layout.HEADLINE)
    stage.run.metrics({f"verdict/{name}": value for name, value in verdict.headline.items()}, 0)
    for name, outcome in verdict.tags.items():
        stage.run.tag(name, outcome)
    stage.run.artifact(layout.VERDICT)


def _audited(generator: str, replicate: int) -> AuditedSet:
    models = layout.gan_models(generator, replicate)
    metas = {label: GeneratorMeta.load(model / "model.json") for label, model in models.items()}
    return AuditedSet(
        audit=Audit.load(layout.privacy(generator, replicate) / "metrics.json"),
        epsilon=largest_epsilon(metas.values()),
        secret=all(meta.privacy is not None and meta.privacy.secret for meta in metas.values()),
        faults={
            f"{generator}/{replicate}/{label}": meta.health.state
            for label, meta in metas.items()
            if meta.health.state != "converged"
        },
    )


if __name__ == "__main__":
    main()
