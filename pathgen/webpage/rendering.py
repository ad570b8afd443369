"""Fill the Jinja templates of the package: HTML pages, Markdown and plain text."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from pathgen.webpage import formatting
from pathgen.webpage.display_names import CONTROL_WORDS, LABEL_WORDS, ROLE_EXPLAINED, counted

# Filter in a template to its function.
_FILTERS: Mapping[str, Callable[..., Any]] = {
    "counted": counted,
    "label": lambda label: LABEL_WORDS.get(label, label),
    "role": lambda role: ROLE_EXPLAINED.get(role, role),
    "control": lambda control: CONTROL_WORDS.get(control, control),
    "number": formatting.number,
    "signed": formatting.signed,
    "typeset": formatting.typeset,
    "interval": formatting.interval,
    "to": formatting.ends,
    "significant": formatting.significant,
    "p_value": formatting.p_value,
    "markdown_cell": lambda text: str(text).replace("|", "\\|").replace("\n", ", "),
}


def _text(name: str) -> str:
    """Return the text of a file of the package, by its path within it."""
    return resources.files("pathgen").joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters.update(_FILTERS)
    return environment


def template(name: str) -> jinja2.Template:
    """Return a template by its path within the package, e.g. to call a macro of its ``module``."""
    return _environment().get_template(name)


def render(name: str, **values: Any) -> str:
    """Fill a template of the package.

    Args:
        name: Path within the package, e.g. ``report/page.html.j2``. In ``*.html.j2`` all values are
            escaped.
        values: Values that the template names. It also has ``style``, the style sheet of the pages.

    Returns:
        Text.
    """
    # The style sheet is the package's own, so it is not escaped.
    style = Markup(_text("webpage/style.css"))  # noqa: S704
    return template(name).render(style=style, **values)
