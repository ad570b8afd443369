"""Made-up evaluated runs and comparisons."""

from typing import Any

from pathgen.core.profiles import read_profile
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.report.read_results import Run
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Confusion
from pathgen.run_matrix import RunKey

EVALUATE = read_profile("phantom")["evaluate"] | {"specificity": 0.9, "resamples": 100, "seed": 1}
CELLS = Confusion(true_positive=1, false_negative=2, true_negative=3, false_positive=4)


def run(
    regime: str, seed: int, generator: str | None = None, classifier: str = "cnn6", **metrics: float | None
) -> Run:
    """Return an evaluated run; the default generator is dcgan."""
    made_by = (None, None) if regime == "original" else (generator or "dcgan", 1)
    return Run(RunKey(regime, made_by[0], classifier, seed, made_by[1]), metrics, CELLS)


def evaluate_settings(**changes: Any) -> EvaluateSettings:
    """Return settings of the evaluation."""
    return EvaluateSettings(**{**EVALUATE, **changes})


def comparison(*regimes: str, accuracy: dict[str, float] | None = None, **test: Any) -> Comparison:
    """Return a comparison of regimes with the original one, by default of ``synthetic-dcgan``.

    Args:
        regimes: Names of the regimes.
        accuracy: Difference in accuracy with the ends of its interval; by default -0.2 (-0.3 to -0.1).
        test: Facts about the test set.
    """
    regimes = regimes or ("synthetic-dcgan",)
    facts = {"trainings": 2, "classifier": "cnn6", "not_converged": ()}
    mean = {"accuracy": {"mean": 0.7, "low": 0.61, "high": 0.78}}
    lost = {"accuracy": accuracy or {"difference": -0.2, "low": -0.3, "high": -0.1}}
    pair = {"classifier": "cnn6", "against": "original", "metrics": lost, "mcnemar": []}
    p_values = {"p_value": 0.0001, "p_adjusted": 0.0002, "minimum_difference": 0.034}
    sizes = {"unit": "slide", "count": 20, "resamples": 2000, "patches": 900}
    return Comparison.model_validate(
        {
            "test": {"confidence": 0.95, "power": 0.8} | sizes | test,
            "regimes": [
                {"regime": "original", "generators": 0, "metrics": {}} | facts,
                *({"regime": regime, "generators": 1, "metrics": mean} | facts for regime in regimes),
            ],
            "differences": [pair | p_values | {"regime": regime} for regime in regimes],
        }
    )
