"""Update the pipeline's run and start the MLflow UI on 127.0.0.1."""

import os

from pathgen.core.errors import cli_errors
from pathgen.tracking.uri import ui_command
from stages.summary import link


@cli_errors()
def main() -> None:
    """Run the command."""
    linked = link()
    print(f"open http://127.0.0.1:5000/{linked.path()}", flush=True)
    # Replaces this process by the server, so that Ctrl-C reaches it.
    os.execvp("sh", ["sh", "-c", f"exec env {ui_command()}"])  # noqa: S606


if __name__ == "__main__":
    main()
