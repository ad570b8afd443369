"""A git and DVC project in a temporary folder, run by commands as a person does."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo

FOREIGN = ("DVC_", "MLFLOW_", "GIT_")


def clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"DVC_NO_ANALYTICS": "true"}


@dataclass(frozen=True)
class Project:
    """A git and DVC project in a temporary folder."""

    root: Path

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, check=False, cwd=self.root, env=clean_environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def init(self) -> None:
        self.git("init", "-q")
        Repo.init(str(self.root)).close()

    def git(self, *arguments: str) -> str:
        return self.run("git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments)
