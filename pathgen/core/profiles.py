"""Compose a params file from the base profile and the overlay of one study."""

import io
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from pathgen.core.errors import PathgenError

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
BASE = "base"
_ORIGIN = "# Written by `pathgen params {name}`. Settings are explained in pathgen/*/settings.py."
_KEY = re.compile(r"^[A-Za-z_]\w*:")


def profile_names(folder: Path = PROFILES) -> list[str]:
    """List the profiles that `compose_profile` accepts, sorted."""
    return sorted(file.stem for file in folder.glob("*.yaml") if file.stem != BASE)


def compose_profile(name: str, folder: Path = PROFILES) -> str:
    """Merge the overlay of a study into the base profile.

    Mappings are merged key by key. Any other value of the overlay replaces that of the base; lists are not
    merged. A `null` in the overlay removes a key whose value in the base is a mapping. Comments of the base
    are kept; comments at the top of the overlay, or above one of its sections, replace those of the base. An
    overlay with the key `extends` is merged into that profile instead of the base.

    Args:
        name: Name of the profile, such as `phantom`.
        folder: Folder with `base.yaml` and the overlays.

    Returns:
        Text of the params file.

    Raises:
        PathgenError: There is no such profile, or one of the two files is not readable as YAML.
    """
    names = profile_names(folder)
    if name not in names:
        raise PathgenError(name, "unknown profile", f"Choose one of: {', '.join(names)}")
    title, sections = _merged(name, folder)
    blocks = [comment + _dump({key: value}) for key, (comment, value) in sections.items()]
    return f"{title}{_ORIGIN.format(name=name)}\n\n" + "\n".join(blocks)


def _merged(name: str, folder: Path) -> tuple[str, dict[str, tuple[str, Any]]]:
    """Return title and sections of a profile, merged into those of the profile that it extends."""
    own_title, own = _read(folder / f"{name}.yaml")
    if name == BASE:
        return own_title, own
    title, sections = _merged(own.pop("extends", ("", BASE))[1], folder)
    for key, (comment, value) in own.items():
        old_comment, old = sections.get(key, ("", None))
        merged = _merge(old, value)
        if merged is None:
            sections.pop(key, None)
        else:
            sections[key] = comment or old_comment, merged
    return own_title or title, sections


def read_profile(name: str, folder: Path = PROFILES) -> dict[str, Any]:
    """Compose a profile and return its settings as plain data (see `compose_profile`)."""
    settings: dict[str, Any] = YAML(typ="safe").load(compose_profile(name, folder))
    return settings


def _read(path: Path) -> tuple[str, dict[str, tuple[str, Any]]]:
    """Split a profile into its title and, by name, the comment and content of each section."""
    title, blocks, comment = "", [], ""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("#"):
            comment += line
        elif _KEY.match(line):
            blocks.append((comment, line))
            comment = ""
        elif line.strip():
            blocks[-1] = blocks[-1][0], blocks[-1][1] + comment + line
            comment = ""
        elif not blocks:
            title, comment = title + comment, ""
    try:
        parsed = [(above, _yaml().load(text)) for above, text in blocks]
    except YAMLError as problem:
        raise PathgenError(path, f"not readable as YAML: {problem}", "Correct the line it names") from None
    return title, {key: (above, value) for above, section in parsed for key, value in section.items()}


def _merge(base: Any, overlay: Any) -> Any:
    if not (isinstance(base, CommentedMap) and isinstance(overlay, CommentedMap)):
        return overlay
    for key, value in overlay.items():
        if value is None and isinstance(base.get(key), CommentedMap):
            del base[key]
        else:
            base[key] = _merge(base.get(key), value)
    return base


def _yaml() -> YAML:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1000
    yaml.preserve_quotes = True
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _dump(section: dict[str, Any]) -> str:
    text = io.StringIO()
    _yaml().dump(section, text)
    return text.getvalue()
