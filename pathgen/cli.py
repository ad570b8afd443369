"""The console command ``pathgen``."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import pathgen
from pathgen.core.errors import cli_errors

# `pathgen.export.format.FormatName`, repeated here because --help does not load it.
_Form = Literal["imagefolder", "pcam", "parquet"]
_LARGE = 10_000
_MB = 1_000_000
# Separators of facts that are width and height, x and y, or a part and the whole.
_BETWEEN = {**dict.fromkeys(("size_px", "tile_px", "mpp", "shape"), " x "), "missing_tiles": " of "}


def _examples(*lines: str) -> str:
    """Format an epilog of example commands, which click does not rewrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Can synthetic histopathology patches replace patients' patches?",
    epilog=_examples("pathgen inspect slide.tif", "pathgen params pcam-small && pathgen plan && dvc repro"),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pathgen {pathgen.__version__}")
        raise typer.Exit


@app.callback()
def _pathgen(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command(
    "inspect", epilog=_examples("pathgen inspect slide.svs lesions.xml", "pathgen inspect data/raw/pcam")
)
def inspect_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, for programs.")] = False,
) -> None:
    """Identify files and check whether pathgen can use them.

    PATH is a slide, an annotation, a patch set, the folder of a source (cohort.root), a folder of labelled
    images, a PatchCamelyon file, a checkpoint, a table of the pipeline or a params file. A folder is
    judged as the stage cohort judges it. Exit code 1 if a path cannot be used.
    """
    # Imported here because --help and --version do not need the readers.
    from pathgen.inspect.probe import inspect_path  # noqa: PLC0415

    findings = []
    for path in paths:
        finding = inspect_path(path)
        findings.append(finding)
        if as_json:
            continue
        for line in (finding.problem or "").splitlines():
            typer.echo(f"error: {line}", err=True)
        if finding.usable:
            typer.echo(f"{finding.path}: {finding.kind}, usable")
            for line in _fact_lines(finding.facts, "  "):
                typer.echo(line)
    usable = sum(finding.usable for finding in findings)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    elif len(findings) > 1 or any(path.is_dir() for path in paths):
        problems = sum(len((finding.problem or "").splitlines()) for finding in findings)
        more = f" ({problems} problems)" if problems > len(findings) - usable else ""
        typer.echo(f"{usable} usable, {len(findings) - usable} not usable{more}")
    if usable < len(findings):
        raise typer.Exit(1)


@app.command(
    "export", epilog=_examples("pathgen export data/patches/train shared/train --format imagefolder")
)
def export_command(
    patch_set: Annotated[Path, typer.Argument(metavar="SET", help="Patch set, e.g. data/patches/train.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to write; existing files are not replaced.")
    ],
    form: Annotated[
        _Form,
        typer.Option(
            "--format",
            help="imagefolder: PNG files in normal/ and tumor/. pcam: HDF5 as PatchCamelyon. "
            "parquet: one table with the PNG files in a column.",
        ),
    ],
    split: Annotated[
        Literal["train", "valid", "test"] | None,
        typer.Option(help="For pcam: the split, if the set does not name one."),
    ] = None,
) -> None:
    """Write a patch set in a format of other programs."""
    from pathgen.export.api import export_patch_set  # noqa: PLC0415

    with cli_errors():
        export_patch_set(patch_set, folder, form, split)


@app.command("plan")
def plan_command(
    profile: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROFILE]", help="Name in profiles/, or a params file. Default: params.yaml."
        ),
    ] = None,
    details: Annotated[bool, typer.Option("--all", help="Add stage counts and disk space.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object, for programs.")] = False,
) -> None:
    """Estimate how long a study takes, before it starts.

    Uses the durations of earlier stages and asks DVC which stages would run; no stage is run. Ends with
    code 1 if the input folder is missing or a setting is invalid.
    """
    from pathgen.planning.plan import make_plan  # noqa: PLC0415
    from pathgen.planning.plan_text import as_text  # noqa: PLC0415
    from pathgen.tracking.uri import main_checkout  # noqa: PLC0415

    with cli_errors():
        plan = make_plan(profile, main_checkout())
    typer.echo(json.dumps(dataclasses.asdict(plan), indent=2) if as_json else as_text(plan, details=details))


@app.command("params", epilog=_examples("pathgen params phantom", "pathgen params pcam --output other.yaml"))
def params_command(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Name of a profile, such as phantom.")],
    output: Annotated[Path, typer.Option(help="File to write; replaced if it exists.")] = Path("params.yaml"),
) -> None:
    """Write the params file of a profile.

    Merges profiles/base.yaml with the profile's overlay; comments are kept.
    """
    from pathgen.core.files import atomic_path  # noqa: PLC0415
    from pathgen.core.profiles import compose_profile  # noqa: PLC0415

    with cli_errors():
        text = compose_profile(profile)
        with atomic_path(output) as draft:
            draft.write_text(text, encoding="utf-8")
    typer.echo(f"{output}: settings of the profile {profile}")


@app.command("release", epilog=_examples("pathgen release dcgan ../release"))
def release_command(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="Generator of the study, e.g. dcgan.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; existing files are not replaced.")
    ],
    form: Annotated[
        _Form, typer.Option("--format", help="Format of the patches, see `pathgen export --help`.")
    ] = "imagefolder",
) -> None:
    """Build a release bundle, or list every reason against it.

    The bundle holds the synthetic set, its datasheet, metadata, report, licences and checksums. Settings:
    section release of params.yaml. Exit code 1, and nothing written, if the set may not be released.
    """
    from pathgen.tracking.uri import main_checkout  # noqa: PLC0415

    with cli_errors():
        from pathgen.release.writer import release  # noqa: PLC0415

        release(main_checkout(), generator, folder, form)
    typer.echo(f"{folder}: read datasheet.md and report.html before you pass it on")


@app.command("verdict")
def verdict_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON object, for programs.")] = False,
) -> None:
    """Print what the finished study concludes.

    Reads results/verdict.json, nothing else: useful alone, useful as an addition, private, ready for release,
    each with its reason.
    """
    from pathgen.core import layout  # noqa: PLC0415
    from pathgen.results.verdict_record import Verdict  # noqa: PLC0415
    from pathgen.tracking.uri import main_checkout  # noqa: PLC0415
    from pathgen.verdict.verdict_text import as_text  # noqa: PLC0415

    with cli_errors():
        verdict = Verdict.load(main_checkout() / layout.VERDICT)
    typer.echo(json.dumps(verdict.as_json(), indent=2) if as_json else as_text(verdict), nl=as_json)


def _fact_lines(facts: dict[str, Any], margin: str) -> list[str]:
    lines = []
    for name, value in facts.items():
        words = name.replace("_", " ")
        if isinstance(value, dict) and value:
            lines += [f"{margin}{words}:", *_fact_lines(value, margin + "  ")]
        else:
            text = f"{value / _MB:,.2f} MB" if name == "bytes" else _fact(value, _BETWEEN.get(name, ", "))
            lines.append(f"{margin}{words.replace('bytes', 'size')}: {text}")
    return lines


def _fact(value: Any, between: str) -> str:
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.6g}"
    if isinstance(value, list):
        return between.join(_fact(item, " x ") for item in value) or "none"
    return str(value) if value != {} else "none"


def main() -> None:
    """Run the console command."""
    app()
