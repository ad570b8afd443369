"""Fill a page's template."""

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup


def _text(name: str) -> str:
    """Return a file of the package, named by its path within it."""
    return resources.files("pathgen").joinpath(*name.split("/")).read_text(encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """Fill a template of the package; everything in `values` is escaped.

    Args:
        template: Path within the package, e.g. ``report/page.html.j2``.
        values: What the template names; it has ``style``, the pages' style sheet, besides.

    Returns:
        The page.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The style sheet is the package's own, so it is not escaped.
    style = Markup(_text("webpage/style.css"))  # noqa: S704
    return environment.get_template(template).render(style=style, **values)
