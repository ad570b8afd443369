"""What a study was made from is named as the report names it."""

from pathlib import Path

from pathgen.report.hashes import file_hashes
from pathgen.report.reading import inputs_under
from pathgen.studies.made_from import made_from


def test_names_and_hashes_are_those_of_the_report(tmp_path: Path) -> None:
    generator, patches = tmp_path / "models/gan/dcgan-normal", tmp_path / "data/patches/train"
    for folder, names in (
        (generator, ("generator.safetensors", "discriminator.safetensors", "model.json")),
        (patches, ("patches.npy", "index.parquet")),
    ):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name)
    found = made_from([generator, patches])
    assert sorted(found) == [
        "models/gan/dcgan-normal/generator.safetensors",
        "patches/train/index.parquet",
        "patches/train/patches.npy",
    ]
    assert found.items() <= file_hashes(inputs_under(tmp_path)).items()
