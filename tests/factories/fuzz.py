"""Random damage to files, and how a reader takes it."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from pathgen.core.errors import PathgenError

_VALUES = [None, True, -1, 1e308, 10**400, float("nan"), "12", [], {}, [1], [[1, 2]], {"type": "Feature"}]
_TEXTS = [
    b"\xff",
    b"\0",
    b"<",
    b"nan",
    b"1e999",
    b"-",
    b'"',
    b"<!--",
    b"{",
    b"[",
    b"&amp;",
    b",",
    b"\n",
    b"\r",
]
LIMIT_S = 5.0


def other_bytes(content: bytes, rng: random.Random) -> bytes:
    """Change one to eight bytes, cut the file, or remove, insert, double or blank some bytes."""
    at, length = rng.randrange(len(content)), rng.randrange(1, 40)
    kind = rng.randrange(5)
    if kind == 0:
        return content[:at]
    if kind == 1:
        changed = bytearray(content)
        for _ in range(rng.randrange(1, 9)):
            changed[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        return bytes(changed)
    if kind == 2:
        return content[:at] + bytes(length) + content[at + length :]
    new = rng.choice([b"", rng.choice(_TEXTS), content[at : at + length] * 2])
    return content[:at] + new + content[at + (0 if kind == 3 else length) :]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def other_value(content: bytes, rng: random.Random) -> bytes:
    """Replace or remove one value of a JSON file, or change its bytes."""
    if rng.random() < 0.5:
        return other_bytes(content, rng)
    whole = json.loads(content)
    parent, key = rng.choice(list(_places(whole)))
    if rng.random() < 0.3:
        del parent[key]
    else:
        parent[key] = rng.choice(_VALUES)
    return json.dumps(whole).encode()


@dataclass(frozen=True)
class Target:
    """A file and its reader.

    Attributes:
        path: The file, intact.
        read: Reads it, and returns what was read, in a form that can be compared.
        lost: ``(what was read, bytes of the file)`` -> what the reader has lost in silence, or None.
        change: Returns damaged bytes.
    """

    path: Path
    read: Callable[[], Any]
    lost: Callable[[Any, bytes], str | None]
    change: Callable[[bytes, random.Random], bytes] = other_bytes


def fuzz(target: Target, cases: int) -> Counter[str]:
    """Read a file with random damage, many times.

    Returns:
        Number of cases that gave the same result, another result, and an error.

    Raises:
        AssertionError: A reader lost something in silence, raised another error than a `PathgenError` with
            one line per problem, or took more than 5 s of processor time.
    """
    content, outcomes = target.path.read_bytes(), Counter[str]()
    intact = target.read()
    assert target.lost(intact, content) is None
    for seed in range(cases):
        damaged = target.change(content, random.Random(f"{target.path.name} {seed}"))
        target.path.write_bytes(damaged)
        start = process_time()
        try:
            found = target.read()
        except PathgenError as problem:
            outcomes["refused"] += 1
            lines = str(problem).splitlines()
            assert lines and all(": " in line and line.endswith(".") for line in lines), (
                f"{seed}: {problem!r}"
            )
        except Exception as problem:
            raise AssertionError(f"{target.path.name}, seed {seed}: {problem!r}") from problem
        else:
            outcomes["the same" if found == intact else "another"] += 1
            assert (lost := target.lost(found, damaged)) is None, f"{target.path.name}, seed {seed}: {lost}"
        assert process_time() - start < LIMIT_S, f"{target.path.name}, seed {seed}"
    target.path.write_bytes(content)
    return outcomes
