"""Where the noise and the draw of originals come from.

Whoever can draw the same noise can take it off again: a guarantee holds against those who do not know its
seed.
"""

import hashlib
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe

_BYTES = 32


def private_seed(recipe: PrivateRecipe) -> int:
    """Return the seed of noise and draws.

    Args:
        recipe: Names the secret file, if any.

    Returns:
        From the recipe's seed alone, or from it and the content of the file.

    Raises:
        PathgenError: The file is missing or too short to be a secret.
    """
    if recipe.secret_file is None:
        return derive_seed(recipe.seed, "private")
    path = Path(recipe.secret_file)
    hint = f"Make it once, and never hand it out: head -c {_BYTES} /dev/urandom > {path}"
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    if len(content) < _BYTES:
        raise PathgenError(path, f"has {len(content)} bytes, {_BYTES} are needed", hint)
    return derive_seed(recipe.seed, "private", hashlib.sha256(content).hexdigest())
