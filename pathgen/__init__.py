"""Can synthetic histopathology patches stand in for patients' patches?"""

import importlib

__version__ = "0.1.0"

# What other programs call, and where it is: loaded when first asked for, for torch takes seconds.
_PUBLIC = {"load_generator": "pathgen.gan.loaded_generator"}
__all__ = ["load_generator"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
