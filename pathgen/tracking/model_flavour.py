"""A saved model as an MLflow model: the project's own files, signature and loader.

MLflow's PyTorch flavour would trace the network anew, 6 s in every run, or pickle it, which may run code
when it is loaded. Here the folder that DVC versions (safetensors and JSON) is taken as it is, with the
description that MLflow needs to load it through the project's own code: 0.2 s.
"""

import platform
import shutil
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.models.signature import ModelSignature, infer_signature
from numpy.typing import NDArray
from ruamel.yaml import YAML

import pathgen
from pathgen.tracking.client import Store
from pathgen.tracking.mlflow_import import mlflow

_DATA = "data"
_REQUIREMENTS = "requirements.txt"
_ENVIRONMENT = "python_env.yaml"


def save_model(
    path: str,
    mlflow_model: Any,
    folder: Path,
    loader_module: str,
    signature: Any,
    requirements: Sequence[str],
) -> None:
    """Write an MLflow model; MLflow calls this with the module as the flavour.

    Args:
        path: The folder to write, not there yet.
        mlflow_model: MLflow's description of the model, to be completed.
        folder: The saved model.
        loader_module: Importable module with ``_load_pyfunc(path)``.
        signature: MLflow's signature.
        requirements: pip requirements.
    """
    target = Path(path)
    shutil.copytree(folder, target / _DATA)
    (target / _REQUIREMENTS).write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    environment = {"python": platform.python_version(), "dependencies": [f"-r {_REQUIREMENTS}"]}
    YAML(typ="safe").dump(environment, target / _ENVIRONMENT)
    mlflow_model.signature = signature
    mlflow_model.add_flavor(
        "python_function",
        loader_module=loader_module,
        data=_DATA,
        python_version=platform.python_version(),
        env={"virtualenv": _ENVIRONMENT},
    )
    mlflow_model.save(str(target / MLMODEL_FILE_NAME))


def signature_of(example_input: NDArray[Any] | pd.DataFrame, example_output: NDArray[Any]) -> ModelSignature:
    """Return MLflow's description of what a model takes and gives, see `log_model` for the arguments."""
    with warnings.catch_warnings():
        # Whole numbers are meant, and none may be missing.
        warnings.filterwarnings("ignore", ".*contains integer column", UserWarning)
        return infer_signature(example_input, example_output)


def log_model(
    store: Store,
    run_id: str,
    name: str,
    folder: Path,
    loader_module: str,
    example_input: NDArray[Any] | pd.DataFrame,
    example_output: NDArray[Any],
) -> str:
    """Log a saved model to a run.

    Args:
        store: The open store.
        run_id: The run that made the model.
        name: Name in the UI.
        folder: The saved model.
        loader_module: Importable module whose ``_load_pyfunc(path)`` returns an object with
            ``predict(array) -> array``.
        example_input: A small batch, an array (its first axis is taken as of any length) or a table.
        example_output: What the model answers to it.

    Returns:
        The model's URI, for ``mlflow.pyfunc.load_model``.
    """
    libraries = [f"{library}=={version(library)}" for library in ("torch", "numpy")]
    # Made through the client: MLflow's shortcut would put it into the experiment "Default".
    logged = store.client.create_logged_model(store.experiment_id, name=name, source_run_id=run_id)
    info = mlflow.models.Model.log(
        artifact_path=None,
        flavor=sys.modules[__name__],
        run_id=run_id,
        model_id=logged.model_id,
        folder=folder,
        loader_module=loader_module,
        signature=signature_of(example_input, example_output),
        requirements=[f"pathgen=={pathgen.__version__}", *libraries],
    )
    return str(info.model_uri)
