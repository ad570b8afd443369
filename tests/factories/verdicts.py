"""Made-up verdicts."""

from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.results.verdict_record import AddedAnswer, AloneAnswer, GeneratorVerdict, PrivacyAnswer, Verdict

UNITS = {"test": 8, "generators": 2, "seeds": 3}


def generator_verdict(**changes: Any) -> GeneratorVerdict:
    """Return the verdict on dcgan and cnn6: useful alone, no harm when added, private, ready for release."""
    fields: dict[str, Any] = {
        "generator": "dcgan",
        "classifier": "cnn6",
        "alone": AloneAnswer(outcome="adequate", difference=-0.012, low=-0.04, high=0.016, units=UNITS),
        "added": AddedAnswer(outcome="no harm", difference=0.004, low=-0.02, high=0.028, units=UNITS),
        "private": PrivacyAnswer(
            outcome="no leak detected", attack="strong_auc", label="tumor", auc=0.53, low=0.49, high=0.57
        ),
        "effect": 0.21,
        "not_converged": (),
        "obstacles": (),
    }
    return GeneratorVerdict(**(fields | changes))


def verdict(*generators: GeneratorVerdict, **changes: Any) -> Verdict:
    """Return the verdict of a study, by default on one generator."""
    fields: dict[str, Any] = {
        "demonstration": False,
        "margin": 0.05,
        "confidence": 0.95,
        "unit": "slide",
        "headline": {"accuracy/original": 0.87, "not_converged": 0.0},
        "generators": generators or (generator_verdict(),),
    }
    return Verdict(**(fields | changes))


def write_verdict(root: Path, *generators: GeneratorVerdict) -> None:
    """Write the verdict of a study."""
    verdict(*generators).save(root / layout.VERDICT)
