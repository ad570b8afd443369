"""How alike synthetic and original patches are; needs no downloaded weights."""

from pathgen.metrics.fidelity.measure import FidelityReport, measure_fidelity

__all__ = ["FidelityReport", "measure_fidelity"]
