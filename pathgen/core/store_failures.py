"""Why a store of MLflow or Optuna cannot be used, and for each cause a hint that loses nothing recorded."""

import re

_REASON_CHARS = 300
#: Module of a driver to the package that holds it.
_DRIVERS = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "pymysql": "pymysql",
    "pyodbc": "pyodbc",
    "boto3": "boto3",
}
_ADDRESSES = "http(s)://HOST:PORT, postgresql://, mysql+pymysql://, sqlite:///FILE or databricks"

# What the libraries' messages contain; None: the message itself is the reason; hint. The first match counts.
_CAUSES: tuple[tuple[str, str | None, str], ...] = (
    (
        r"database is locked|database table is locked",
        "another program holds the database",
        "Close that program, or wait until it has finished, and run the same command again",
    ),
    (
        r"file lock .* could not be acquired",
        "another process has been opening it for minutes",
        "Wait until that process has finished, or end it, and run the same command again",
    ),
    (
        r"file is not a database",
        "it is a file of another kind",
        "Name another file; this one is left as it is",
    ),
    (
        r"disk image is malformed",
        "the database is damaged",
        "Keep a copy; restore a backup, or recover it into a new file with `sqlite3 FILE .recover`",
    ),
    (r"disk is full|No space left|quota exceeded", "the disk is full", "Free some space, then run it again"),
    (
        r"readonly database|unable to open database|Permission denied|Read-only file|File exists|Not a dir",
        None,
        "Correct the path, or the permissions of the file and its folder",
    ),
    (
        r"out-of-date database schema",
        "another version of MLflow made the database",
        "Copy it, then run `mlflow db upgrade URI`; if a newer MLflow made it, install that version",
    ),
    (
        r"filesystem tracking backend",
        "it is a folder store, which MLflow no longer writes",
        "Name a database, e.g. sqlite:///runs.db; `mlflow migrate-filestore` copies the runs into a new one",
    ),
    (
        r"unsupported URI|Could not parse|Invalid SQLite URL|Can't load plugin|Unity Catalog tracking|"
        r"invalid literal for int|Port could not be cast|Invalid URL|Failed to parse",
        "it is not the address of a store",
        f"Write {_ADDRESSES}; in a password write @ as %40, / as %2F and : as %3A",
    ),
    (
        r"Databricks credential",
        "there are no credentials for Databricks",
        "Set DATABRICKS_HOST and DATABRICKS_TOKEN, or the profile in databricks://PROFILE",
    ),
    (
        r"error code 401|not authenticated|unauthorized|unauthenticated|invalid access token",
        "the server wants another user name, password or token",
        "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    ),
    (
        r"Invalid Host header",
        "the server does not accept requests to this name",
        "Start it with --allowed-hosts and the name in the address",
    ),
    (
        r"error code 403|PERMISSION_DENIED",
        "the server does not permit this user to record there",
        "Ask its owner for permission, or set another experiment",
    ),
    (
        r"password authentication failed|no password supplied|Access denied for user|Login failed|"
        r"role .* does not exist",
        "the database does not accept the user name or the password",
        "Correct them in the address; in a password write @ as %40, / as %2F and : as %3A",
    ),
    (
        r'database "[^"]*" does not exist|Unknown database',
        "the server has no database of this name",
        "Create it on the server, or correct its name in the address",
    ),
    (
        r"SSLError|certificate|SSL negotiation",
        "the encrypted connection fails",
        "Correct http or https in the address, or set MLFLOW_TRACKING_SERVER_CERT_PATH to its certificate",
    ),
    (
        r"Failed to resolve|translate host name|Name or service not known|name resolution|getaddrinfo",
        "the name of the server is not known here",
        "Correct the name, or connect this machine to the server's network",
    ),
    (
        r"too many 5\d\d|error code 5\d\d",
        "the server answers with an error of its own",
        "See the server's log, or start it again",
    ),
    (
        r"error code 404|valid JSON",
        "what answers there is no MLflow server",
        "Correct host, port and path of the address",
    ),
    (
        r"refused|timed? ?out|unreachable|Max retries|No route|reset by peer|server closed",
        "no answer",
        "Start the server, correct host and port, or connect this machine to the server's network",
    ),
)


def without_credentials(text: str) -> str:
    """Remove ``user:password@`` from every address in a text."""
    return re.sub(r"://\S*@", "://", text)


def first_line(problem: Exception) -> str:
    """Return the message of a store's error as one short line, without passwords."""
    text = without_credentials(str(problem).strip()) or type(problem).__name__
    if "Max retries exceeded" in text:
        cause = re.search(r"Caused by (\w+)", text)
        return f"no answer ({cause[1] if cause else 'too many tries'})"
    line = text.splitlines()[0]
    return line if len(line) <= _REASON_CHARS else f"{line[:_REASON_CHARS]} ..."


def explain(problem: Exception, otherwise: str) -> tuple[str, str]:
    """Explain why a store cannot be used.

    Args:
        problem: What MLflow, Optuna, SQLAlchemy or a driver has raised.
        otherwise: Hint of a cause that is not known.

    Returns:
        The reason, without passwords, and its hint. No hint leads to the loss of anything that was recorded.
    """
    text = str(problem)
    if isinstance(problem, ImportError):
        name = (problem.name or "psycopg").split(".")[0]
        install = f"Run: pip install '{_DRIVERS[name]}'" if name in _DRIVERS else f"Install the module {name}"
        return f"its driver {name} is not installed", install
    for pattern, reason, hint in _CAUSES:
        if re.search(pattern, text, re.I):
            return reason or first_line(problem), hint
    return first_line(problem), otherwise
