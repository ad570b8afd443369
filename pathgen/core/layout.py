"""Every path of a study, relative to its checkout: what stages read and write, and what the report reads.

A path under another root is ``root / layout.COHORT``.
"""

from pathlib import Path

from pathgen.core.labels import LABELS

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")

#: Training of a generator, of several, whose synthetic set is released and that the optional studies sample.
RELEASED = 1

# Patches.
COHORT = Path("data/cohort.parquet")
PHANTOM = Path("data/phantom")
INDEX = Path("data/index")
CANDIDATES = INDEX / "candidates.parquet"
INDEXED_SLIDES = INDEX / "slides.parquet"
OVERLAYS = INDEX / "overlays"
NEAR_DUPLICATES = INDEX / "near_duplicates.parquet"
SAMPLES = Path("data/samples.parquet")
PATCHES = Path("data/patches")
EXTRACTED_SLIDES = Path("data/patches_by_slide.parquet")
TRAIN, VALID, TEST, NONMEMBER, REFERENCE, FRESH = (
    PATCHES / role for role in ("train", "valid", "test", "nonmember", "reference", "fresh")
)
SYNTHETIC = Path("data/synthetic")
CONTROLS = Path("data/controls")

# Hashes of code, and sampling settings by generator; written by `stages.check_params`.
CODE = Path("data/code")
SAMPLING = Path("data/sampling")

# Checkpoints.
MODELS = Path("models")
GAN_MODELS = MODELS / "gan"
CLASSIFIER_MODELS = MODELS / "classifier"

# Results.
RESULTS = Path("results")
GAN_RESULTS = RESULTS / "gan"
TRAINING = RESULTS / "training"
EVALUATION = RESULTS / "evaluate"
TRTS = RESULTS / "on_synthetic"
BASELINE = RESULTS / "baseline.json"
COMPARISON = RESULTS / "comparison"
COMPARISON_JSON = COMPARISON / "comparison.json"
COMPARED_CONTROLS = COMPARISON / "controls.json"
VERDICT = RESULTS / "verdict.json"
#: The DVC metrics of the study: the headline numbers of the verdict.
HEADLINE = RESULTS / "headline.json"
FIDELITY = RESULTS / "fidelity"
PRIVACY = RESULTS / "privacy"
SCALING = RESULTS / "scaling"
SCALING_POINTS = SCALING / "points"
TUNING = RESULTS / "tuning"

# Pages.
REPORT = Path("report")
SURVEY = REPORT / "cohort"

# Caches, locks and snapshots; nothing here is a result.
WORK = Path("work")
LOCKS = WORK / "locks"
RESUME = WORK / "resume"
SAMPLE_CACHE = WORK / "synthetic"
DIGESTS = WORK / "digests"
TUNING_WORK = WORK / "tuning"
TRACKING_WORK = WORK / "tracking"
#: Pictures of slides with outlines that do not fit, of the last run of the stage `cohort`.
IMPLAUSIBLE_OUTLINES = WORK / "implausible_outlines"


def gan_model(generator: str, label: str, replicate: int = RELEASED) -> Path:
    """Return the folder of a generator's checkpoint for one label."""
    return GAN_MODELS / generator / str(replicate) / label


def gan_models(generator: str, replicate: int = RELEASED) -> dict[str, Path]:
    """Return the folders of a generator's checkpoints by label."""
    return {label: gan_model(generator, label, replicate) for label in LABELS}


def gan_results(generator: str, label: str, replicate: int = RELEASED) -> Path:
    """Return the folder of a GAN training's curves and sample grids; the label may be ``all``."""
    return GAN_RESULTS / generator / str(replicate) / label


def synthetic_set(generator: str, label: str, replicate: int = RELEASED) -> Path:
    """Return the folder of a generator's synthetic patch set of one label."""
    return SYNTHETIC / generator / str(replicate) / label


def synthetic_sets(generator: str, replicate: int = RELEASED) -> dict[str, Path]:
    """Return the folders of a generator's synthetic patch sets by label."""
    return {label: synthetic_set(generator, label, replicate) for label in LABELS}


def control_set(control: str, label: str) -> Path:
    """Return the folder of the patch set of a control of usefulness, of one label."""
    return CONTROLS / control / label


def classifier_model(run: Path) -> Path:
    """Return the folder of a classifier's checkpoint, by the folder of its run (``mixed-dcgan-cnn6/1``)."""
    return CLASSIFIER_MODELS / run


def training_history(run: Path) -> Path:
    """Return the table of a classifier's training by epoch."""
    return TRAINING / run / "history.csv"


def evaluation(run: str) -> Path:
    """Return the folder of a classifier's results on the test set."""
    return EVALUATION / run


def trts(generator: str, classifier: str, seed: int) -> Path:
    """Return the folder of the results of one classifier of original patches on synthetic patches."""
    return TRTS / f"{generator}-{classifier}-{seed}"


def fidelity(generator: str, replicate: int = RELEASED) -> Path:
    """Return the file of the fidelity metrics of a synthetic set."""
    return FIDELITY / generator / f"{replicate}.json"


def privacy(generator: str, replicate: int = RELEASED) -> Path:
    """Return the folder of the privacy audit of a synthetic set."""
    return PRIVACY / generator / str(replicate)
