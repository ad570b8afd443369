"""Reading params.yaml."""

from pathlib import Path

from pathgen.core.params import read_params


def test_read_params_follows_yaml_1_2(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("sample: {seed: 1, on: yes, rate: 2e-4}\n")
    assert read_params(file) == {"sample": {"seed": 1, "on": "yes", "rate": 0.0002}}
