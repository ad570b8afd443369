"""What an export says of itself, so that the way back can be checked."""

import zlib
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import pydantic
from numpy.typing import NDArray
from pydantic import Field

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json

FormatName = Literal["imagefolder", "pcam", "parquet"]
_DIGITS = 8


class Manifest(pydantic.BaseModel, frozen=True, strict=True, extra="forbid"):
    """What was exported.

    Attributes:
        format: The form.
        patches: Their number.
        side_px: Their side.
        index_sha256: Of the bytes of the set's table, which an export holds as it is.
        pixels_crc32: CRC-32 of each patch's pixels in order, eight hexadecimal digits each.
    """

    format: FormatName
    patches: Annotated[int, Field(ge=0)]
    side_px: Annotated[int, Field(ge=0)]
    index_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    pixels_crc32: Annotated[str, Field(pattern="^[0-9a-f]*$")]

    @pydantic.model_validator(mode="after")
    def _one_sum_per_patch(self) -> Self:
        if len(self.pixels_crc32) != _DIGITS * self.patches:
            raise ValueError("pixels_crc32 does not hold one sum per patch")
        return self

    def first_altered(self, images: NDArray[np.uint8], row: int) -> int | None:
        """Return the first row whose pixels are not those that were exported.

        Args:
            images: uint8 of shape (n, side, side, 3), the patches from `row` on.
            row: Number of the first.
        """
        found = checksums(images)
        expected = self.pixels_crc32[_DIGITS * row : _DIGITS * (row + len(images))]
        if found == expected:
            return None
        return next(
            row + place
            for place in range(len(images))
            if found[_DIGITS * place :][:_DIGITS] != expected[_DIGITS * place :][:_DIGITS]
        )


def checksums(images: NDArray[np.uint8]) -> str:
    """Return the CRC-32 of each patch, uint8 of shape (n, side, side, 3), eight digits each."""
    return "".join(f"{zlib.crc32(np.ascontiguousarray(image).data):08x}" for image in images)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest as JSON."""
    write_json(path, manifest.model_dump())


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        PathgenError: The file is damaged or was written by something else.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except pydantic.ValidationError as problem:
        first = problem.errors()[0]
        said = f"does not describe an export: {'.'.join(map(str, first['loc']))} {first['msg']}"
        raise PathgenError(path, said, "Export the patch set again") from None
