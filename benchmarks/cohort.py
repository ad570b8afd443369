"""Measure time and memory of the stages on small slides, as many as Camelyon16 has and fewer."""

import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.harness import Result, own_process, report
from pathgen.core.profiles import read_profile
from pathgen.jobs.settings import JobSettings
from pathgen.patches.candidates_io import complete, read_to_draw
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.settings import SampleSettings
from pathgen.phantom.phantom_dataset import write_phantom
from pathgen.phantom.settings import PhantomSettings
from pathgen.sources.camelyon16_layout import find_in_layout
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings

# 399 slides.
CAMELYON16 = {"normal_slides": 159, "tumor_slides": 111, "test_normal_slides": 80, "test_tumor_slides": 49}
SIZE = {"width_px": 512, "height_px": 512, "levels": 2, "tile_px": 128}
INDEX = {"patch_px": 32, "stride_px": 32}
SIZE_PX = 16
# Number of patches per class and slide of the cohort.
SHARES = {"train": 4, "valid": 2, "test": 2, "nonmember": 4, "reference": 4}


def draw_slides(root: Path, slides: int, workers: int) -> None:
    """Draw phantom slides in the proportions of Camelyon16."""
    numbers = {kind: round(slides * number / 399) for kind, number in CAMELYON16.items()}
    numbers["test_tumor_slides"] += slides - sum(numbers.values())
    plain = read_profile("phantom")["cohort"]["phantom"] | SIZE | numbers | {"workers": workers}
    write_phantom(root, PhantomSettings.model_validate(plain))


def run_stage(stage: str, root: Path, out: Path, workers: int) -> None:
    """Compute what a stage computes, without tracking."""
    profile = read_profile("phantom")
    profile["index"]["tissue"]["thumbnail_mpp"] = 2.0
    del profile["cohort"]["phantom"]
    source = CohortSettings.model_validate(profile["cohort"] | {"source": "camelyon16", "root": str(root)})
    jobs = JobSettings(folder=str(out / "work"), workers=workers, threads_per_slide=1)
    if stage == "cohort":
        annotations = IndexSettings.model_validate(profile["index"] | INDEX).annotations
        write_table(find_in_layout(root, source, annotations, frozenset(), {}), out / "cohort.parquet")
        return
    cohort = read_table(out / "cohort.parquet")
    if stage == "index":
        index_cohort(
            cohort, source, IndexSettings.model_validate(profile["index"] | INDEX), out / "index", jobs
        )
    elif stage == "sample":
        roles = {role: share * len(cohort) for role, share in SHARES.items()}
        sample = SampleSettings.model_validate(profile["sample"] | {"per_class": roles})
        candidates = out / "index" / "candidates.parquet"
        drawn = sample_cohort(cohort, read_to_draw(candidates), sample)
        write_table(complete(drawn, candidates), out / "samples.parquet")
    else:
        samples, counts = read_table(out / "samples.parquet"), out / "patches_by_slide.parquet"
        extract_cohort(cohort, samples, source, SIZE_PX, out / "patches", counts, jobs)


def main(slides: list[int] = [50, 200, 399], workers: int = 4) -> None:  # noqa: B006
    results: list[Result] = []
    memory: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for count in slides:
            root, out = folder / f"slides{count}", folder / f"out{count}"
            draw_slides(root, count, workers)
            out.mkdir()
            # index and extract a second time have nothing to do.
            for stage in ("cohort", "index", "sample", "extract", "index", "extract"):
                again = ", again" if len(memory[stage]) > slides.index(count) else ""
                name = f"{stage}, {count} slides{again}"
                results += own_process(name, run_stage, stage, root, out, workers)
                if not again:
                    memory[stage].append(results[-1].value)
        kept = sum(file.stat().st_size for file in (out / "work").rglob("*") if file.is_file())
        results.append(Result(f"cache of {slides[-1]} slides", kept / 1e6, "MB"))
    report(results, {f"{stage}_memory_last_to_first": mb[-1] / mb[0] for stage, mb in memory.items()})
