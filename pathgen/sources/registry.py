"""The sources by name. A new one is a file beside this one and a line here."""

from pathgen.sources import camelyon16, patches, pcam, phantom, slides
from pathgen.sources.source import Source

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (phantom.SOURCE, camelyon16.SOURCE, slides.SOURCE, pcam.SOURCE, patches.SOURCE)
}
