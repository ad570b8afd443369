"""The console command ``pathgen``."""

import dataclasses
import json
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

_LARGE = 10_000
# Facts that are width and height, or x and y.
_EXTENTS = ("size_px", "tile_px", "mpp", "shape")

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Can synthetic histopathology patches replace patients' patches?",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pathgen {metadata.version('pathgen')}")
        raise typer.Exit


@app.callback()
def _pathgen(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command("inspect")
def inspect_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, for programs.")] = False,
) -> None:
    """Tell what each PATH is, its key facts, and whether the suite can use it.

    PATH is a slide, an annotation, a patch set, a folder of labelled images, a PatchCamelyon file, a
    checkpoint, a table of the pipeline or a params file. Ends with code 0 when all can be used, else 1.
    """
    # Imported here, so that --help and --version do not wait for the readers.
    from pathgen.inspection.inspect import inspect_path  # noqa: PLC0415

    findings = []
    for path in paths:
        finding = inspect_path(path)
        findings.append(finding)
        if as_json:
            continue
        if finding.problem is not None:
            for line in finding.problem.splitlines():
                typer.echo(f"error: {line}", err=True)
        else:
            typer.echo(f"{finding.path}: {finding.kind}, usable")
            for line in _fact_lines(finding.facts, "  "):
                typer.echo(line)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    if not all(finding.usable for finding in findings):
        raise typer.Exit(1)


def _fact_lines(facts: dict[str, Any], margin: str) -> list[str]:
    lines = []
    for name, value in facts.items():
        words = name.replace("_", " ")
        if isinstance(value, dict) and value:
            lines += [f"{margin}{words}:", *_fact_lines(value, margin + "  ")]
        else:
            between = " x " if name in _EXTENTS else ", "
            lines.append(f"{margin}{words}: {_fact(value, between)}")
    return lines


def _fact(value: Any, between: str) -> str:
    match value:
        case None:
            text = "unknown"
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.6g}"
        case list():
            text = between.join(_fact(item, " x ") for item in value) or "none"
        case _:
            text = str(value) if value != {} else "none"
    return text


def main() -> None:
    """Run the console command."""
    app()
