"""Jobs that write one small file each, and note that they ran."""

import errno
from dataclasses import dataclass
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.jobs.job import Job
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.provenance.code_hash import code_manifest


@dataclass(frozen=True)
class ToyWork:
    """Write a name; `fails` names what goes wrong instead, `log` lists the names of all that ran."""

    name: str
    log: Path
    fails: str | None = None

    def __call__(self, folder: Path) -> dict[str, float]:
        with self.log.open("a") as stream:
            stream.write(f"{self.name}\n")
        (folder / "name.txt").write_text(self.name)
        if self.fails == "bad":
            raise PathgenError(f"{self.name}.tif", "its tile 7 cannot be decoded", "Copy it again")
        if self.fails:
            raise OSError(getattr(errno, self.fails), "reason of the system", str(folder / "name.txt"))
        return {"letters": float(len(self.name))}


def toy_key(seed: int = 1, code: str | None = None) -> CacheKey:
    """Return a key; `code` replaces the hashes of its code."""
    hashes = code_manifest("pathgen.core.labels")
    return CacheKey(
        settings={"seed": seed},
        code=hashes if code is None else dict.fromkeys(hashes, code),
        libraries=library_versions("numpy"),
    )


def toy_job(name: str, log: Path, fails: str | None = None, seed: int = 1) -> Job:
    return Job(name, toy_key(seed), ToyWork(name, log, fails), size=10)


def ran(log: Path) -> list[str]:
    """Return the sorted names of the jobs that ran since the last call."""
    names = sorted(log.read_text().split()) if log.exists() else []
    log.unlink(missing_ok=True)
    return names
