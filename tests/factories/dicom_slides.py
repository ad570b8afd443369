"""Small DICOM slides: one file per level, JPEG tiles in YBR_FULL_422, as scanners write them."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, VLWholeSlideMicroscopyImageStorage, generate_uid


def write_dicom_slide(
    folder: Path, name: str, image: NDArray[np.uint8], mpp: float = 0.25, tile_px: int = 128
) -> list[Path]:
    """Write a slide of two levels; return the files, level 0 first."""
    folder.mkdir(parents=True, exist_ok=True)
    shared = {
        key: generate_uid(entropy_srcs=[name, key])
        for key in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    }
    files = []
    for level, step in enumerate((1, 2)):
        pixels = np.asarray(Image.fromarray(image).reduce(step))
        file = _level(pixels, step, mpp * step, tile_px)
        for key, uid in shared.items():
            setattr(file, key, uid)
        file.SOPInstanceUID = generate_uid(entropy_srcs=[name, str(level)])
        file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID
        files.append(folder / f"{name}_{level}.dcm")
        file.save_as(files[-1], enforce_file_format=True)
    return files


def _level(pixels: NDArray[np.uint8], step: int, mpp: float, tile_px: int) -> Dataset:
    height, width = pixels.shape[:2]
    frames = _jpeg_tiles(pixels, tile_px)
    measures = Dataset()
    measures.PixelSpacing = [mpp / 1000, mpp / 1000]  # mm
    measures.SliceThickness = 1.0
    groups = Dataset()
    groups.PixelMeasuresSequence = [measures]
    optical_path = Dataset()
    optical_path.OpticalPathIdentifier = "1"
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.MediaStorageSOPClassUID = VLWholeSlideMicroscopyImageStorage
    file.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    image_type = (
        ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        if step == 1
        else ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    )
    content = {
        "SOPClassUID": VLWholeSlideMicroscopyImageStorage,
        "Modality": "SM",
        "ImageType": image_type,
        "Rows": tile_px,
        "Columns": tile_px,
        "TotalPixelMatrixColumns": width,
        "TotalPixelMatrixRows": height,
        "TotalPixelMatrixFocalPlanes": 1,
        "NumberOfFrames": len(frames),
        "DimensionOrganizationType": "TILED_FULL",
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "YBR_FULL_422",
        "PlanarConfiguration": 0,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "NumberOfOpticalPaths": 1,
        "OpticalPathSequence": [optical_path],
        "SharedFunctionalGroupsSequence": [groups],
        "LossyImageCompression": "01",
        "PixelData": encapsulate(frames),
    }
    for keyword, value in content.items():
        setattr(file, keyword, value)
    file["PixelData"].is_undefined_length = True
    return file


def _jpeg_tiles(pixels: NDArray[np.uint8], tile_px: int) -> list[bytes]:
    height, width = pixels.shape[:2]
    tiles = []
    for top in range(0, height, tile_px):
        for left in range(0, width, tile_px):
            tile = np.full((tile_px, tile_px, 3), 255, np.uint8)
            part = pixels[top : top + tile_px, left : left + tile_px]
            tile[: part.shape[0], : part.shape[1]] = part
            stream = io.BytesIO()
            Image.fromarray(tile).save(stream, "JPEG", quality=95, subsampling="4:2:0")
            tiles.append(stream.getvalue())
    return tiles
