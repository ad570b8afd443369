"""Measure how similar synthetic and original patches are."""

import argparse

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.store import open_patch_set
from stages.context import running


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    generator = parser.parse_args().generator
    sets = layout.synthetic_sets(generator)
    settings = load_section("fidelity", FidelitySettings)
    with running(
        "fidelity",
        settings={"fidelity": settings},
        inputs=[*(layout.PATCHES / role for role in ("train", "nonmember")), *sets.values()],
        item={"generator": generator},
    ) as stage:
        fidelity = measure_fidelity(
            open_patch_set(layout.TRAIN).images_by_label(),
            open_patch_set(layout.NONMEMBER).images_by_label(),
            {label: open_patch_set(folder).images for label, folder in sets.items()},
            settings,
        )
        fidelity.save(layout.fidelity(generator))
        stage.run.metrics(fidelity.metrics, 0)


if __name__ == "__main__":
    main()
