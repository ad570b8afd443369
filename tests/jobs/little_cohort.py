"""A cohort of little slides, the stages index and extract on it, and both in processes that can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))
from source_files import slide_work, write_annotation, write_slide

from pathgen.core.errors import cli_errors
from pathgen.core.profiles import read_profile
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.sources.extraction import extract_cohort
from pathgen.sources.indexing import index_cohort
from pathgen.sources.registry import SOURCES
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings

SOURCE = SOURCES["slides"]
SIZE_PX = 16
PER_CLASS = {"train": 12, "valid": 6, "test": 8, "nonmember": 6, "reference": 6}


def write_cohort(root: Path, count: int, first: int = 0) -> None:
    """Write slides, every second one with a lesion, and list all slides of the folder."""
    for number in range(first, first + count):
        write_slide(root / f"s{number:03d}.tif", side=256, seed=number)
        if number % 2:
            write_annotation(root / f"s{number:03d}.xml", (64, 64, 192, 192))
    list_slides(root)


def list_slides(root: Path) -> None:
    """Write the table of all slides in the folder."""
    lines = ["slide,label,annotation"]
    for slide in sorted(root.glob("*.tif")):
        outline = slide.with_suffix(".xml")
        lines.append(f"{slide.name},tumor,{outline.name}" if outline.exists() else f"{slide.name},normal,")
    (root / "slides.csv").write_text("\n".join(lines) + "\n")


def cohort_settings(root: Path, **changes: Any) -> CohortSettings:
    plain = {
        "source": "slides",
        "root": str(root),
        "on_bad_slide": "stop",
        "use_unannotated_tissue": False,
        "slides": {"table": "slides.csv"},
    }
    return CohortSettings.model_validate({**plain, **changes})


def index_settings(**changes: Any) -> IndexSettings:
    plain = read_profile("phantom")["index"]
    tissue = {**plain["tissue"], "thumbnail_mpp": 4.0, "opening_um": 0.0, "closing_um": 0.0}
    return IndexSettings.model_validate(
        {**plain, "tissue": tissue, "patch_px": 32, "stride_px": 32, "mpp": 0.25, **changes}
    )


def cohort(root: Path, **changes: Any) -> pd.DataFrame:
    return SOURCE.find_cohort(root, cohort_settings(root, **changes))


def index(root: Path, out: Path, work: Path, scheduler: str | None = None, **changes: Any) -> int:
    """Run what the stage index runs."""
    settings = cohort_settings(root, **changes)
    return index_cohort(
        SOURCE,
        root,
        SOURCE.find_cohort(root, settings),
        settings,
        index_settings(),
        out / "index",
        slide_work(work, scheduler=scheduler),
    )


def draw(root: Path, out: Path, seed: int = 1, **changes: Any) -> pd.DataFrame:
    """Run what the stage sample runs."""
    samples = sample_cohort(
        cohort(root, **changes), read_table(out / "index/candidates.parquet"),
        rule="area", min_tumor_fraction=0.5, max_normal_fraction=0.0, max_exclusion_fraction=0.0,
        valid_tumor_share=0.2, test_tumor_share=0.3, per_class=PER_CLASS, seed=seed, on_shortage="stop",
    )  # fmt: skip
    write_table(samples, out / "samples.parquet")
    return samples


def extract(root: Path, out: Path, work: Path, scheduler: str | None = None, **changes: Any) -> None:
    """Run what the stage extract runs."""
    settings = cohort_settings(root, **changes)
    extract_cohort(
        SOURCE,
        root,
        SOURCE.find_cohort(root, settings),
        read_table(out / "samples.parquet"),
        settings,
        SIZE_PX,
        out / "patches",
        out / "patches_by_slide.parquet",
        slide_work(work, scheduler=scheduler),
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def records(work: Path, verb: str) -> dict[str, tuple[int, int]]:
    """Return slide to inode and time of every record: redone work has another."""
    return {
        path.parent.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (work / verb).glob("*/[!.]*/record.json")
    }


class Forks:
    """Forks of one process that has imported everything, so that many kills cost one import."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, verb: str, root: Path, out: Path, work: Path) -> int:
        """Begin index or extract in a fork; return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb} {root} {out} {work}\n")
        self._process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Wait until the last fork has ended; return its exit code, negative after a signal."""
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def forks(said: Path = Path(os.devnull)) -> Iterator[Forks]:
    """Start the process that forks; what the forks say to standard error is added to the file `said`."""
    with (
        said.open("a") as stderr,
        subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield Forks(process)
        finally:
            process.send_signal(signal.SIGKILL)


def main() -> None:
    """For every line on standard input: fork, say the fork's process id, and its exit code when it ends."""
    for line in sys.stdin:
        verb, *folders = line.split()
        child = os.fork()
        if child == 0:
            with cli_errors():
                {"index": index, "extract": extract}[verb](*map(Path, folders))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
