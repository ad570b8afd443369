"""What a stage logs to its MLflow run: metrics, images, files, data sets, models."""

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import pathgen
from pathgen.core.store_failures import first_line
from pathgen.provenance.cache_key import library_versions
from pathgen.tracking.client import Store
from pathgen.tracking.dvc_api import DataHash
from pathgen.tracking.mlflow_import import STORE_ERRORS, mlflow

_FLUSH_S = 2.0
_DIGEST_MAX = 36


class MlflowLogger:
    """Logger of a stage's open MLflow run; a `pathgen.training.metric_logger.MetricLogger`.

    The store worked when the stage started. Should it fail later, the stage goes on: metrics are kept and
    sent again, and what could not be recorded is reported on standard error. MLflow only records; hours of
    training are not lost for it.

    Attributes:
        run_id: MLflow's id of the run.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self.run_id = run_id
        self._store = store
        self._pending: list[Any] = []
        self._flushed_at = time.monotonic()

    def attempt(self, what: str, action: Callable[[], object]) -> bool:
        """Do something in the store; on failure warn that `what` is not recorded, and return False."""
        try:
            action()
        except STORE_ERRORS as problem:
            print(f"warning: {what} not recorded in MLflow: {first_line(problem)}", file=sys.stderr)
            return False
        return True

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics at a step; they are sent in batches, at most about 2 s later.

        Args:
            values: Metric key (``split/name``) to value.
            step: Position on the curve.
        """
        now_ms = int(time.time() * 1000)
        for key, value in values.items():
            self._pending.append(mlflow.entities.Metric(key, float(value), now_ms, step))
        if time.monotonic() - self._flushed_at > _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Send the pending metrics."""
        self._flushed_at = time.monotonic()
        log = partial(self._store.client.log_batch, self.run_id, metrics=self._pending)
        if self._pending and self.attempt("metrics", log):
            self._pending = []

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Log an image at a step; the UI shows all images of a key as a grid over the steps.

        Args:
            key: Letters, digits and ``_-. /``.
            image: Pixels, uint8 (H, W, 3).
            step: Step of the training.
        """
        self.flush()
        pixels = np.ascontiguousarray(image)
        self.attempt(
            f"image {key}", lambda: self._store.client.log_image(self.run_id, pixels, key=key, step=step)
        )

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Log a file or a whole folder.

        Args:
            path: The file or folder.
            folder: Folder in the run's artifacts; None: at the top.
        """
        client = self._store.client
        attach = client.log_artifacts if path.is_dir() else client.log_artifact
        self.attempt(f"artifact {path}", lambda: attach(self.run_id, str(path), folder))

    def text(self, name: str, text: str) -> None:
        """Log a text as the artifact `name`, e.g. ``tables/per_slide.csv``."""
        self.attempt(f"artifact {name}", lambda: self._store.client.log_text(self.run_id, text, name))

    def tag(self, key: str, value: str) -> None:
        """Set a tag; the key may hold letters, digits and ``_-. /``."""
        self.attempt(f"tag {key}", lambda: self._store.client.set_tag(self.run_id, key, value))

    def health(self, state: str, *, converged: bool) -> None:
        """Set the tag ``health`` to the state of a training.

        The name of a run whose training did not converge begins with the state: every list of runs shows it.
        """
        self.tag("health", state)
        if not converged:
            client = self._store.client

            def rename() -> None:
                name = client.get_run(self.run_id).info.run_name
                client.update_run(self.run_id, name=f"{state}: {name}")

            self.attempt("state of the training", rename)

    def dataset(self, path: str, data: DataHash) -> None:
        """Log a data set that the stage reads, with DVC's hash as its digest.

        Args:
            path: File or folder, also the name in the UI, e.g. ``data/patches/train``.
            data: DVC's hash and the size.
        """
        assert len(data.digest) <= _DIGEST_MAX, "MLflow's limit, which DVC's MD5 and .dir keep"
        entities = mlflow.entities
        dataset = entities.Dataset(
            name=path,
            digest=data.digest,
            source_type="dvc",
            source=json.dumps({"path": path, "md5": data.digest}),
            profile=json.dumps({"bytes": data.size, "files": data.files or 1}),
        )
        given = entities.DatasetInput(dataset, [entities.InputTag("mlflow.data.context", "input")])
        self.attempt(f"data set {path}", lambda: self._store.client.log_inputs(self.run_id, datasets=[given]))

    def model(
        self,
        name: str,
        folder: Path,
        loader_module: str,
        example_input: NDArray[Any] | pd.DataFrame,
        example_output: NDArray[Any],
    ) -> None:
        """Log a checkpoint as an MLflow model; ``mlflow.pyfunc.load_model`` loads it through our own code.

        MLflow's PyTorch flavour would trace the network, 6 s in every run, or pickle it, which may run code
        when it is loaded. Here the folder that DVC versions (safetensors and JSON) is the model's data.

        Args:
            name: Name of the model in the UI.
            folder: The checkpoint.
            loader_module: Importable module with ``_load_pyfunc(path)``, which returns an object with
                ``predict(array) -> array``.
            example_input: A small batch: an array of which the first axis may have any length, or a table.
            example_output: The model's answer to it.
        """
        # The name in pyproject.toml: MLflow would install a stranger's package for "pathgen".
        versions = {"pathgen-suite": pathgen.__version__, **library_versions("torch", "numpy")}

        def log() -> None:
            with warnings.catch_warnings():
                # Integer columns without missing values are intended; an input example would be run at once.
                warnings.simplefilter("ignore", UserWarning)
                # Loaded by MLflow when they are first used, which takes a second.
                signature = mlflow.models.infer_signature(example_input, example_output)
                mlflow.pyfunc.log_model(
                    name=name,
                    loader_module=loader_module,
                    data_path=str(folder),
                    signature=signature,
                    pip_requirements=[f"{library}=={number}" for library, number in versions.items()],
                )

        self.attempt(f"model {name}", log)
