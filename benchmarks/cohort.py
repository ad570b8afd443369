"""A cohort of as many slides as Camelyon16, all small: time and memory of each stage by number of slides."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import distributed

from benchmarks.measuring import Result, Run, own_process, show
from pathgen.core.files import sha256_of
from pathgen.core.profiles import read_profile
from pathgen.jobs.settings import JobSettings
from pathgen.patches.candidates_io import complete, read_to_draw
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.settings import SampleSettings
from pathgen.phantom.dataset import write_phantom
from pathgen.phantom.settings import PhantomSettings
from pathgen.sources.camelyon16_layout import find_in_layout
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings

ROOT = Path(__file__).resolve().parents[1]
# Camelyon16: 159 normal, 111 tumor and 129 test slides, 49 of these with tumor.
KINDS = {"normal_slides": 159, "tumor_slides": 111, "test_normal_slides": 80, "test_tumor_slides": 49}
SIDE_PX, PATCH_PX, SIZE_PX = 512, 32, 16
STAGES = ("cohort", "index", "sample", "extract")
# Drawn per class and slide of the cohort.
SHARES = {"train": 4, "valid": 2, "test": 2, "nonmember": 4, "reference": 4}


def draw_slides(root: Path, workers: int) -> None:
    """Draw phantom slides, as many as Camelyon16 has."""
    plain = read_profile("phantom")["cohort"]["phantom"]
    size = {"width_px": SIDE_PX, "height_px": SIDE_PX, "levels": 2, "tile_px": 128, "workers": workers}
    write_phantom(root, PhantomSettings.model_validate({**plain, **KINDS, **size}))


def choose_slides(drawn: Path, root: Path, slides: int) -> None:
    """Make a smaller cohort of the same files, with about the same share of each kind."""
    ranked = []
    for folder in ("training/normal", "training/tumor", "testing/images"):
        files = sorted((drawn / folder).iterdir())
        ranked += [(rank / len(files), file) for rank, file in enumerate(files)]
    chosen = [file for _, file in sorted(ranked)[:slides]]
    names = {file.stem for file in chosen}
    outlines = [file for file in drawn.glob("*/lesion_annotations/*.xml") if file.stem in names]
    for file in (*chosen, *outlines):
        link = root / file.relative_to(drawn)
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, link)
    lines = (drawn / "testing" / "reference.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.split(",")[0] in names]
    (root / "testing" / "reference.csv").write_text("".join(kept))


def _settings(root: Path) -> tuple[CohortSettings, IndexSettings, SampleSettings]:
    plain = read_profile("phantom")
    index = {**plain["index"], "patch_px": PATCH_PX, "stride_px": PATCH_PX}
    index["tissue"] = {**index["tissue"], "thumbnail_mpp": 2.0}
    cohort = {name: value for name, value in plain["cohort"].items() if name != "phantom"}
    return (
        CohortSettings.model_validate({**cohort, "source": "camelyon16", "root": str(root)}),
        IndexSettings.model_validate(index),
        SampleSettings.model_validate(plain["sample"]),
    )


def run_stage(stage: str, root: Path, out: Path, workers: int, scheduler: str | None) -> None:
    """Do what a stage does, without the tracking around it."""
    cohort_settings, index_settings, sample = _settings(root)
    job_settings = JobSettings(
        folder=str(out / "work"), workers=workers, threads_per_slide=1, scheduler=scheduler
    )
    if stage == "cohort":
        found = find_in_layout(root, cohort_settings, frozenset(), {})
        write_table(found, out / "cohort.parquet")
        return
    cohort = read_table(out / "cohort.parquet")
    if stage == "index":
        index_cohort(cohort, cohort_settings, index_settings, out / "index", job_settings)
    elif stage == "sample":
        candidates = out / "index" / "candidates.parquet"
        drawn = sample_cohort(
            cohort,
            read_to_draw(candidates),
            **sample.model_dump(exclude={"label", "per_class"}),
            **sample.label.model_dump(),
            per_class={role: share * len(cohort) for role, share in SHARES.items()},
        )
        write_table(complete(drawn, candidates), out / "samples.parquet")
    else:
        extract_cohort(
            cohort,
            read_table(out / "samples.parquet"),
            cohort_settings,
            SIZE_PX,
            out / "patches",
            out / "patches_by_slide.parquet",
            job_settings,
        )


def measured(stage: str, root: Path, out: Path, workers: int, scheduler: str | None = None) -> Run:
    """Run a stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cohort", "--stage", stage, "--root", str(root)]
    command += ["--out", str(out), "--workers", str(workers)]
    command += ["--scheduler", scheduler] if scheduler else []
    return own_process(command, ROOT)


def digests(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every output; finished slides are none."""
    files = (file for file in sorted(out.rglob("*")) if file.is_file())
    named = {file.relative_to(out).as_posix(): file for file in files}
    return {name: sha256_of(file) for name, file in named.items() if not name.startswith("work/")}


def measure(counts: list[int], folder: Path, workers: int) -> tuple[list[Result], dict[str, float]]:
    """Run all stages on cohorts of several sizes, and index and extract again with nothing to do."""
    results: list[Result] = []
    peaks: dict[tuple[str, int], float] = {}
    for count in sorted(counts):
        root, out = folder / f"slides{count}", folder / f"out{count}"
        choose_slides(folder / "drawn", root, count)
        for stage in STAGES:
            run = measured(stage, root, out, workers)
            peaks[stage, count] = run.peak_mb
            results.append(Result(f"{stage}, {count} slides: memory", run.peak_mb, "MB", run.cpu_s))
            results.append(Result(f"{stage}, {count} slides: time", run.seconds, "s", run.cpu_s))
        for stage in ("index", "extract"):
            run = measured(stage, root, out, workers)
            results.append(Result(f"{stage}, {count} slides: again", run.seconds, "s", run.cpu_s))
    few, many = min(counts), max(counts)
    ratios = {f"{stage}_memory_{many}_to_{few}": peaks[stage, many] / peaks[stage, few] for stage in STAGES}
    kept = sum(file.stat().st_size for file in (folder / f"out{many}" / "work").rglob("*") if file.is_file())
    return [*results, Result(f"kept of {many} slides", kept / 1e6, "MB", 0.0)], ratios


def _kill_one(scheduler: str, work: Path, slides: int) -> None:
    """Kill one worker when some slides are finished."""
    with distributed.Client(scheduler, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while len(list(work.glob("*/[!.]*/entry.json"))) < slides // 5:
            time.sleep(0.01)
        os.kill(next(iter(pids.values())), signal.SIGKILL)


def on_cluster(count: int, folder: Path, workers: int) -> list[Result]:
    """Index and extract on Dask workers, one of which is killed in each; refuse other bytes."""
    root, out, results = folder / f"slides{count}", folder / "out_cluster", []
    out.mkdir()
    shutil.copy(folder / f"out{count}" / "cohort.parquet", out)
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as local:
        for stage in ("index", "sample", "extract"):
            scheduler = None if stage == "sample" else local.scheduler_address
            killing = threading.Thread(target=_kill_one, args=(scheduler, out / "work" / stage, count))
            if scheduler:
                killing.start()
            run = measured(stage, root, out, workers, scheduler)
            if scheduler:
                killing.join()
                name = f"{stage}, {count} slides: Dask, a worker killed"
                results.append(Result(name, run.seconds, "s", run.cpu_s))
    if digests(out) != digests(folder / f"out{count}"):
        raise SystemExit("the outputs of the cluster differ from those of one process")
    return results


def main(arguments: list[str] | None = None) -> None:
    """Measure and print, or run one stage for the process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--slides", type=int, nargs="+", default=[50, 200, 399], help="sizes of the cohorts")
    parser.add_argument("--workers", type=int, default=4, help="slides worked on at a time")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--scheduler", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.stage:
        run_stage(given.stage, given.root, given.out, given.workers, given.scheduler)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_slides(folder / "drawn", given.workers)
        results, ratios = measure(given.slides, folder, given.workers)
        results += on_cluster(max(given.slides), folder, given.workers)
    show(results, ratios, given.json)


if __name__ == "__main__":
    main()
