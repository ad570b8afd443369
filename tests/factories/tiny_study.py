"""A copy of the checkout with a study small enough to run whole in a test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pathgen.core.profiles import compose_profile

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 600

# What the profile phantom is changed to: everything as small as its stage still accepts.
TINY: dict[str, Any] = {
    "pipeline.classifiers": ["cnn6"],
    "pipeline.controls": ["control-fresh"],
    "pipeline.seeds": [1, 2],
    "pipeline.replicates": 2,
    "compute.device": "cpu",
    "compute.threads": 1,
    "jobs.workers": 2,
    "tracking.system_metrics": False,
    "cohort.phantom.tumor_slides": 4,
    "cohort.phantom.normal_slides": 1,
    "cohort.phantom.test_tumor_slides": 1,
    "cohort.phantom.test_normal_slides": 1,
    "cohort.phantom.width_px": 640,
    "cohort.phantom.height_px": 512,
    "cohort.phantom.levels": 3,
    "cohort.phantom.tile_px": 128,
    "cohort.phantom.workers": 2,
    "index.patch_px": 32,
    "index.stride_px": 32,
    "index.tissue.thumbnail_mpp": 2.0,
    "sample.valid_tumor_share": 0.2,
    "sample.per_class": {"train": 48, "valid": 16, "test": 24, "nonmember": 32, "reference": 32, "fresh": 48},
    "extract.size_px": 16,
    "train_gan.snapshot_every_kimg": 0.1,
    "train_gan.generators.dcgan.width": 8,
    "train_gan.generators.dcgan.batch_size": 8,
    "train_gan.generators.dcgan.kimg": 0.8,
    "synthesise.per_class": 48,
    "train_classifier.classifiers.cnn6.max_epochs": 12,
    "train_classifier.classifiers.cnn6.patience": 12,
    "fidelity.max_patches": 40,
    "fidelity.n_subsets": 3,
    "fidelity.n_projections": 16,
    "privacy.max_originals": 40,
    "privacy.max_synthetic": 40,
    "privacy.n_permutations": 5999,
    "privacy.gallery_pairs": 2,
    "report.grid_patches": 16,
    "report.grid_columns": 4,
    "release.limits": {
        "max_membership_auc": 0.95,
        "max_too_near": 0.5,
        "min_audited": 0.8,
        "min_accuracy": 0.1,
    },
    "scaling.classifiers": ["cnn6"],
    "scaling.seeds": [1, 2],
    "scaling.original_sizes": [8, 48],
    "scaling.synthetic_sizes": [8, 16, "unlimited"],
    "scaling.training": {"max_steps": 6, "validate_every_steps": 3, "order_seed": 1},
}
#: Files of git that a study writes.
WRITTEN = {
    "dvc.lock",
    "report/results.json",
    "report/results.md",
    "results/headline.json",
    "results/verdict.json",
}
_NOT_HANDED_DOWN = ("MLFLOW_", "DVC_", "GIT_", "PYTEST_", "COV_", "PYTHONPATH", "OMP_NUM_THREADS")


def environment() -> dict[str, str]:
    """Return what a user's shell in the project's virtual environment would hold."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_HANDED_DOWN)}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    identity = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Tester"), ("EMAIL", "tester@example.org"))
    }
    return kept | own | identity


@dataclass(frozen=True)
class Study:
    """A copy of the checkout."""

    root: Path

    def run(self, *command: str, succeeds: bool | None = True) -> subprocess.CompletedProcess[str]:
        """Run a command there; `succeeds` None leaves judging the exit code to the caller."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        said = f"{' '.join(command)} -> {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        assert succeeds is None or succeeds == (done.returncode == 0), said
        return done

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own, its output in a file."""
        with log.open("wb") as stream:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def repro(self, *arguments: str, succeeds: bool = True) -> str:
        """Run ``dvc repro`` and return all that it said."""
        done = self.run("dvc", "repro", *arguments, succeeds=succeeds)
        return f"{done.stdout}\n{done.stderr}"

    def set_params(self, changes: Mapping[str, Any]) -> None:
        """Change values of params.yaml, each by its path with dots."""
        yaml = YAML()
        file = self.root / "params.yaml"
        params = yaml.load(file)
        for path, value in changes.items():
            *folders, name = path.split(".")
            section = params
            for folder in folders:
                section = section[folder]
            assert name in section or isinstance(value, dict), f"{path} is no parameter"
            section[name] = value
        with file.open("w", encoding="utf-8") as stream:
            yaml.dump(params, stream)

    def lock(self) -> bytes:
        """Return the bytes of dvc.lock."""
        return (self.root / "dvc.lock").read_bytes()

    def locked(self) -> dict[str, Any]:
        """Return the stages of dvc.lock."""
        return dict(YAML(typ="safe").load(self.lock())["stages"])

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def untracked_and_changed(self) -> set[str]:
        """Return the paths that ``git status`` lists."""
        lines = self.run("git", "status", "--porcelain", "--untracked-files=all").stdout.splitlines()
        return {line[3:] for line in lines}

    def copy_to(self, root: Path) -> "Study":
        """Copy all of it, DVC's cache too, but for the runs: their store names the old folder."""
        shutil.copytree(
            self.root, root, ignore=lambda folder, _: _RUNS if Path(folder) == self.root else set()
        )
        return Study(root)


_RUNS = {"mlflow.db", "mlruns", "work"}


def copy_of_checkout(root: Path) -> Study:
    """Copy the checkout's tracked files, as they are now, into a new repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        # A study of the checkout's own must not stand in for the tiny one's.
        if (CHECKOUT / name).is_file() and name not in WRITTEN:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, root / name)
    study = Study(root)
    study.run("git", "init", "--quiet")
    (root / "params.yaml").write_text(compose_profile("phantom"), encoding="utf-8")
    study.set_params(TINY)
    study.commit("Start a tiny study")
    return study


def ran(output: str) -> list[str]:
    """Return the stages that ``dvc repro`` says to have run."""
    lines: Iterable[str] = output.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]
