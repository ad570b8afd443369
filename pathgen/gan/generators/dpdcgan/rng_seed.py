"""Seed of the noise and of the sampling of units.

Whoever knows the seed can subtract the noise: the guarantee holds only against those who do not.
"""

import hashlib
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings

_BYTES = 32


def private_seed(settings: DpDcganSettings) -> int:
    """Return the seed of noise and sampling.

    Args:
        settings: The recipe; its ``secret_file`` may be None.

    Returns:
        Derived from the recipe's seed, and from the content of the secret file if there is one.

    Raises:
        PathgenError: The file is missing or too short.
    """
    if settings.secret_file is None:
        return derive_seed(settings.seed, "private")
    path = Path(settings.secret_file)
    hint = f"Create it once, and never publish it: head -c {_BYTES} /dev/urandom > {path}"
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    if len(content) < _BYTES:
        raise PathgenError(path, f"has {len(content)} bytes, {_BYTES} are needed", hint)
    return derive_seed(settings.seed, "private", hashlib.sha256(content).hexdigest())
