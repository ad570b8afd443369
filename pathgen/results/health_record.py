"""Health of one training, part of ``model.json`` and of the evaluation."""

from typing import Literal

from pathgen.results.record import Record

#: Why a training of a classifier did not converge.
Failure = Literal[
    "loss not finite",
    "training loss at chance level",
    "training accuracy at chance level",
    "one class predicted on validation patches",
    "validation ROC-AUC below 0.5",
]
#: What a converged training should still be read with.
Remark = Literal["best epoch is the first"]
ClassifierState = Literal["converged", "not converged"]
#: State of a generator's training at its end. A diverged or collapsed training stops before; its stage fails.
GeneratorState = Literal["converged", "low variety", "overfitted"]


class ClassifierHealth(Record):
    """Health of a classifier's training.

    Attributes:
        converged: Whether the classifier learnt its training set.
        failures: Reasons why not; empty when it converged.
        remarks: What else the reader should know.
        training_seed: Seed of this attempt; the seed of the run unless it was repeated.
        failed_seeds: Seeds of earlier attempts that did not converge, in order.
    """

    converged: bool
    failures: tuple[Failure, ...] = ()
    remarks: tuple[Remark, ...] = ()
    training_seed: int
    failed_seeds: tuple[int, ...] = ()

    @property
    def state(self) -> ClassifierState:
        """The state in words."""
        return "converged" if self.converged else "not converged"


class GeneratorHealth(Record):
    """Health of a generator's training.

    Attributes:
        state: ``low variety``: the spread of generated patches is far below that of originals;
            ``overfitted``: the discriminator memorised the training patches.
        spread_ratio: Spread of generated patches relative to originals, mean over the last tenth of the
            training.
    """

    state: GeneratorState
    spread_ratio: float

    @property
    def converged(self) -> bool:
        """Whether the training is free of both faults."""
        return self.state == "converged"
