"""The sources by name. A new one is a file beside this one and a line here."""

from pathgen.sources import camelyon16, patch_folder, pcam, phantom, slide_csv
from pathgen.sources.base import Source

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (phantom.SOURCE, camelyon16.SOURCE, slide_csv.SOURCE, pcam.SOURCE, patch_folder.SOURCE)
}
