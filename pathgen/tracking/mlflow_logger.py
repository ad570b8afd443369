"""What a stage tells its MLflow run: numbers, pictures, files, data sets, models."""

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.tracking.client import Store, first_line
from pathgen.tracking.dvc_api import DataHash
from pathgen.tracking.mlflow_import import STORE_ERRORS, mlflow
from pathgen.tracking.model_flavour import log_model

_FLUSH_S = 2.0
_BATCH = 500
_IMAGE_FILE = re.compile(r"images/(?P<key>.+)\+step\+(?P<step>-?\d+)\+timestamp\+")
_DIGEST_MAX = 36


class MlflowLogger:
    """A running stage's MLflow run; a `pathgen.training.metric_logger.MetricLogger`.

    The store was there when the stage started. Should it fail later, the stage goes on: numbers are kept
    and tried again, and what could not be recorded is said on standard error. MLflow only records; hours
    of training are not thrown away for it.

    Attributes:
        run_id: MLflow's id of the run.
        work_key: Identifies the work: command, inputs, code and parameters. Names folders to resume from.
        continued: Whether an earlier, unfinished attempt at the same work began this run.
    """

    def __init__(self, store: Store, run_id: str, *, work_key: str, continued: bool) -> None:
        self.run_id = run_id
        self.work_key = work_key
        self.continued = continued
        self._store = store
        self._pending: list[Any] = []
        self._flushed_at = time.monotonic()
        self._last_step: dict[str, int] = {}
        self._seen_images: set[tuple[str, int]] = set()
        if continued:
            self._find_what_is_there()

    def _find_what_is_there(self) -> None:
        # A resumed stage repeats the steps after its last checkpoint; a curve needs each step once.
        run = self._store.client.get_run(self.run_id)
        self._last_step = {metric.key: metric.step for metric in run.data._metric_objs}
        for file in self._store.client.list_artifacts(self.run_id, "images"):
            if match := _IMAGE_FILE.match(file.path):
                self._seen_images.add((match["key"], int(match["step"])))

    def _try(self, what: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except STORE_ERRORS as problem:
            print(f"warning: {what} not recorded in MLflow: {first_line(problem)}", file=sys.stderr)
            return False
        return True

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Take named numbers at a step; they are sent in batches, at most about 2 s later.

        Args:
            values: Metric key (``split/name``) to number.
            step: Where on the curve. A step that an earlier attempt has recorded is left as it is.
        """
        now_ms = int(time.time() * 1000)
        for key, value in values.items():
            if step > self._last_step.get(key, -1):
                self._pending.append(mlflow.entities.Metric(key, float(value), now_ms, step))
        if len(self._pending) >= _BATCH or time.monotonic() - self._flushed_at > _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Send the numbers that wait."""
        self._flushed_at = time.monotonic()
        while self._pending:
            batch = self._pending[:_BATCH]
            if not self._try("metrics", lambda: self._store.client.log_batch(self.run_id, metrics=batch)):  # noqa: B023
                return
            del self._pending[:_BATCH]

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Take a picture at a step; the UI shows all of a key as an image grid over the steps.

        Args:
            key: Letters, digits and ``_-. /``.
            image: uint8 of shape (H, W, 3).
            step: When in the training.
        """
        if (key.replace("/", "~"), step) in self._seen_images:
            return
        self.flush()
        self._try(
            f"image {key}",
            lambda: self._store.client.log_image(
                self.run_id, np.ascontiguousarray(image), key=key, step=step
            ),
        )

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Attach a file or a whole folder, e.g. a figure that shall be seen in the UI.

        Args:
            path: The file or folder.
            folder: Where in the run's artifacts; at the top when None.
        """
        client = self._store.client
        attach = client.log_artifacts if path.is_dir() else client.log_artifact
        self._try(f"artifact {path}", lambda: attach(self.run_id, str(path), folder))

    def text(self, name: str, text: str) -> None:
        """Attach a text as the artifact `name`, e.g. ``tables/per_slide.csv``."""
        self._try(f"artifact {name}", lambda: self._store.client.log_text(self.run_id, text, name))

    def tag(self, key: str, value: str) -> None:
        """Set a tag; the key may hold letters, digits and ``_-. /``."""
        self._try(f"tag {key}", lambda: self._store.client.set_tag(self.run_id, key, value))

    def dataset(self, name: str, path: Path, data: DataHash, context: str = "input") -> None:
        """Name a data set that the stage reads, with DVC's hash as its digest.

        Args:
            name: As shown in the UI, e.g. ``data/patches/train``.
            path: Where it is.
            data: DVC's hash and the size.
            context: What it is for: ``input``, ``train``, ``test``.
        """
        assert len(data.digest) <= _DIGEST_MAX, "MLflow's limit, which DVC's MD5 and .dir keep"
        entities = mlflow.entities
        dataset = entities.Dataset(
            name=name,
            digest=data.digest,
            source_type="dvc",
            source=json.dumps({"path": str(path), "md5": data.digest}),
            profile=json.dumps({"bytes": data.size, "files": data.files or 1}),
        )
        tags = [entities.InputTag("mlflow.data.context", context)]
        given = [entities.DatasetInput(dataset, tags)]
        self._try(f"data set {name}", lambda: self._store.client.log_inputs(self.run_id, datasets=given))

    def model(
        self,
        name: str,
        folder: Path,
        loader_module: str,
        example_input: NDArray[Any] | pd.DataFrame,
        example_output: NDArray[Any],
    ) -> str | None:
        """Log a saved model with its signature, so that ``mlflow.pyfunc.load_model`` gives it back.

        Args:
            name: Name of the model in the UI.
            folder: The saved model, as DVC versions it.
            loader_module: Importable module whose ``_load_pyfunc(path)`` returns an object with
                ``predict(array) -> array``.
            example_input: A small batch, an array (its first axis is taken as of any length) or a table.
            example_output: What the model answers to it.

        Returns:
            The model's URI, or None when it could not be recorded.
        """
        uris: list[str] = []

        def log() -> None:
            uris.append(
                log_model(
                    self._store, self.run_id, name, folder, loader_module, example_input, example_output
                )
            )

        return uris[0] if self._try(f"model {name}", log) else None
