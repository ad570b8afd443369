"""A generator as MLflow serves it: loaded by mlflow.pyfunc, asked with a seed and a count."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.gan import JOINT, save_untrained

from pathgen.gan.export import example_for_signature
from pathgen.gan.loaded_generator import load_generator

# MLflow's own, when its part for loading is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
KINDS = [("dcgan", {}), ("stylegan2", {}), ("dcgan", JOINT)]


@pytest.mark.parametrize(("generator", "options"), KINDS, ids=["dcgan", "stylegan2", "conditional"])
def test_served_generator_loads_from_mlflow_and_samples(
    tmp_path: Path, generator: str, options: dict[str, Any]
) -> None:
    import mlflow.pyfunc

    torch.set_num_threads(1)
    model = save_untrained(tmp_path / "model", generator, **options)
    alone = load_generator(model)
    signature = mlflow.models.infer_signature(*example_for_signature(16))
    logged = tmp_path / "logged"
    mlflow.pyfunc.save_model(
        str(logged),
        loader_module="pathgen.gan.served_generator",
        data_path=str(model),
        signature=signature,
        pip_requirements=[],
    )

    served = mlflow.pyfunc.load_model(str(logged))
    assert served.metadata.signature.inputs.input_names() == ["seed", "count"]
    assert served.metadata.signature.outputs.inputs[0].shape == (-1, 16, 16, 3)
    expected = alone.sample(5, seed=1)
    assert np.array_equal(served.predict({"seed": 1, "count": 5}), expected)
    two = served.predict(pd.DataFrame({"seed": [1, 2], "count": [5, 3]}))
    assert np.array_equal(two, np.concatenate([expected, alone.sample(3, seed=2)]))
    with pytest.raises(mlflow.exceptions.MlflowException, match="seed"):
        served.predict(np.zeros((2, 6), np.float32))
