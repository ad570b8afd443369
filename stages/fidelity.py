"""Measure how alike synthetic and original patches are, beside the floor."""

import argparse
from pathlib import Path

from pathgen.core.errors import cli_errors
from pathgen.core.files import write_json
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.store import open_patch_set
from stages.context import running

PATCHES = Path("data/patches")


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    generator = parser.parse_args().generator
    sets = {label: Path(f"data/synthetic/{generator}-{label}") for label in LABELS}
    settings = load_section("fidelity", FidelitySettings)
    with running(
        "fidelity",
        settings={"fidelity": settings},
        inputs=[*(PATCHES / role for role in ("train", "nonmember")), *sets.values()],
        item={"generator": generator},
    ) as stage:
        report = measure_fidelity(
            open_patch_set(PATCHES / "train").images_by_label(),
            open_patch_set(PATCHES / "nonmember").images_by_label(),
            {label: open_patch_set(folder).images for label, folder in sets.items()},
            **settings.model_dump(),
        )
        write_json(Path("results/fidelity") / f"{generator}.json", report.as_json())
        stage.run.metrics(report.metrics, 0)


if __name__ == "__main__":
    main()
