"""Reading params.yaml."""

from pathlib import Path

from pathgen.core.params import read_params


def test_read_params_returns_a_fresh_copy_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("sample: {seed: 1, on: yes, rate: 2e-4}\n")
    first = read_params(file)
    # YAML 1.2: `on` and `yes` are words, and 2e-4 is a number.
    assert first == {"sample": {"seed": 1, "on": "yes", "rate": 0.0002}}
    first["sample"]["seed"] = 2
    assert read_params(file)["sample"]["seed"] == 1
    file.write_text("sample: {seed: 3}\n")
    assert read_params(file) == {"sample": {"seed": 3}}
