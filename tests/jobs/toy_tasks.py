"""Tasks that write one little file each, and count how often they run."""

import errno
from dataclasses import dataclass
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.jobs.code import code_digest
from pathgen.jobs.job import SlideTask
from pathgen.jobs.result_cache import Identity
from pathgen.jobs.runner import Shelf

MODULES = ("pathgen.core.labels",)
# What work has been done, in its order.
DONE: list[str] = []


@dataclass(frozen=True)
class ToyWork:
    """Write the slide's name; `fails` names what goes wrong instead."""

    slide: str
    fails: str | None = None

    def __call__(self, folder: Path) -> dict[str, float]:
        DONE.append(self.slide)
        (folder / "name.txt").write_text(self.slide)
        if self.fails == "bad":
            raise PathgenError(f"{self.slide}.tif", "its tile 7 cannot be decoded", "Copy it again")
        if self.fails:
            raise OSError(getattr(errno, self.fails), "what the system says", str(folder / "name.txt"))
        return {"letters": float(len(self.slide))}


def toy_task(
    shelf: Shelf, slide: str, fails: str | None = None, parameters: str = "p", code: str | None = None
) -> SlideTask:
    return SlideTask(
        slide=slide,
        folder=shelf.of_slide(slide),
        identity=Identity(parameters, f"content of {slide}", code or code_digest(*MODULES)),
        modules=MODULES,
        units=10,
        work=ToyWork(slide, fails),
    )
