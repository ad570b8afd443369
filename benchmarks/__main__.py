"""Run a benchmark, or without a name those that need only this checkout and some minutes.

The others are slow: `cohort` draws hundreds of slides, `pipeline` runs the whole study, `verdict_rates`
simulates hundreds of studies, `privacy_rates` needs the patches of a study with more non-members than the
default one, and `recipe_health` those of a study.
"""

import sys

import typer

from benchmarks import (
    classifier_training,
    cohort,
    correlation,
    extraction,
    gan_training,
    pipeline,
    privacy_rates,
    recipe_health,
    verdict_rates,
)

QUICK = (extraction, gan_training, classifier_training, correlation)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
for benchmark in (*QUICK, cohort, pipeline, privacy_rates, recipe_health, verdict_rates):
    app.command(benchmark.__name__.split(".")[-1], help=benchmark.__doc__)(benchmark.main)


@app.callback(invoke_without_command=True, help=__doc__)
def run_quick(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        for benchmark in QUICK:
            print(benchmark.__name__, file=sys.stderr)
            benchmark.main()


if __name__ == "__main__":
    app()
