"""The tests of releases share the made-up study of the report's."""

import sys
from pathlib import Path

for folder in ("release", "report"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))
