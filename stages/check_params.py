"""Check all of params.yaml before anything computes; drop result folders of items no longer asked for."""

from pathlib import Path

from pathgen.errors import errors_to_exit
from pathgen.files import atomic_path
from pathgen.params import load_section
from pathgen.pipeline import PipelineSettings, prune
from pathgen.validation import validate_params


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    validate_params()
    prune(load_section("pipeline", PipelineSettings), Path())
    # A constant: later stages wait for it and are not invalidated by it.
    with atomic_path(Path("data/params_checked.txt")) as draft:
        draft.write_text("params.yaml is valid\n", encoding="utf-8")


if __name__ == "__main__":
    main()
