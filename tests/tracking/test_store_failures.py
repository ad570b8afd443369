"""Every cause of a store that cannot be used has its own hint, in one line and without a password."""

import http.server
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from pathgen.core import store_failures
from pathgen.core.errors import PathgenError
from pathgen.core.profiles import read_profile
from pathgen.core.store_failures import explain
from pathgen.studies.tuning.settings import TuningWorkSettings
from pathgen.studies.tuning.storage import open_storage
from pathgen.tracking.client import open_store

_PARAMS = "tracking: {experiment: pathgen, system_metrics: false, system_metrics_interval_s: 10.0}\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text(_PARAMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    return tmp_path


def _refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(PathgenError) as refused:
        open_store()
    (line,) = str(refused.value).splitlines()
    assert line.startswith("MLFLOW_TRACKING_URI=")
    assert "secret" not in line
    assert "MLFLOW_TRACKING_URI to a store that works" not in line, "no cause was recognised"
    return line


@pytest.mark.parametrize(
    ("address", "driver", "install"),
    [
        ("postgresql://me:secret@127.0.0.1:9/runs", "psycopg", "pip install 'psycopg[binary]'"),
        ("mysql://me:secret@127.0.0.1:9/runs", "MySQLdb", "pip install 'mysqlclient'"),
        ("mysql+pymysql://me:secret@127.0.0.1:9/runs", "pymysql", "pip install 'pymysql'"),
    ],
)
def test_missing_driver_is_named_with_its_package(
    address: str, driver: str, install: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    line = _refused(address, monkeypatch)
    assert f"its driver {driver} is not installed" in line
    assert install in line


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("postgres://me:secret@host/runs", "Write .* postgresql://"),
        ("htp://me:secret@host", "Write http"),
        ("htp://me:pass/secret@host", "Write http"),
        ("sqlite://runs.db", "Write .* sqlite:///FILE"),
        ("sqlite:///text.db", "another kind. Name another file"),
        ("sqlite:///folder", "Correct the path"),
        ("runs", "migrate-filestore"),
        ("postgresql://me:secret@host:port/runs", "Write"),
        ("postgresql://me:se@secret@127.0.0.1:9/runs", "@ as %40"),
        ("http://me:secret@127.0.0.1:9", "no answer. Start the server"),
        ("http://me:secret@no-such-host.invalid", "Correct the name"),
    ],
)
def test_wrong_address_is_told_how_to_write_it(
    address: str, word: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "text.db").write_text("not a database " * 100)
    (checkout / "folder").mkdir()
    assert re.search(word, _refused(address, monkeypatch))
    assert (checkout / "text.db").read_text().startswith("not a database")


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code = int(self.path.split("/")[1])
        body = b"Invalid Host header" if self.path.startswith("/403/host") else b"<html>\n</html>"
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("401", "MLFLOW_TRACKING_PASSWORD"),
        ("403", "permission"),
        ("403/host", "--allowed-hosts"),
        ("404", "Correct host, port and path"),
        ("200", "Correct host, port and path"),
        ("502", "server's log"),
    ],
)
def test_answer_of_a_server_has_its_own_cure(
    path: str, word: str, server: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert word in _refused(f"http://me:secret@{server}/{path}", monkeypatch)


def test_locked_database_is_waited_for_and_not_replaced(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    with sqlite3.connect(database) as other:
        other.execute("create table t (x)")
        other.commit()
        other.execute("begin exclusive")
        engine = sqlalchemy.create_engine(f"sqlite:///{database}", connect_args={"timeout": 0})
        with engine.connect() as mine, pytest.raises(sqlalchemy.exc.OperationalError) as locked:
            mine.exec_driver_sql("select * from t")
        engine.dispose()
    other.close()
    reason, hint = explain(locked.value, "")
    assert reason == "another program holds the database"
    assert "wait" in hint


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("(psycopg.OperationalError) connection failed: FATAL:  password authentication failed", "password"),
        ("(psycopg.OperationalError) port 5 failed: fe_sendauth: no password supplied", "password"),
        ("(pymysql.err.OperationalError) (1045, \"Access denied for user 'me'@'host'\")", "password"),
        ('(psycopg.OperationalError) failed: FATAL:  database "runs" does not exist', "Create it"),
        (
            "(psycopg.OperationalError) failed to resolve host 'x': [Errno -2] Name or service not known",
            "name",
        ),
        ('(pymysql.err.OperationalError) (2003, "Can\'t connect ([Errno 111] Connection refused)")', "Start"),
        ("Reading Databricks credential configuration failed with MLflow tracking URI", "DATABRICKS_TOKEN"),
        ("Detected out-of-date database schema (found version a, but expected b).", "Copy it"),
        ("(sqlite3.DatabaseError) database disk image is malformed", "copy"),
        ("(Caused by SSLError(SSLCertVerificationError(1, 'self-signed certificate')))", "SERVER_CERT_PATH"),
    ],
)
def test_message_of_a_driver_has_its_own_cure(message: str, word: str) -> None:
    assert word in explain(RuntimeError(message), "unknown")[1]


def test_no_cure_removes_anything() -> None:
    hints = " ".join(hint for _, _, hint in store_failures._CAUSES)
    assert not re.search(r"\b(remove|delete|drop|overwrite|unset|rm|new store)\b", hints, re.I)


def test_damaged_database_of_a_search_is_kept(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_text("spoilt " * 1000)
    with pytest.raises(PathgenError) as refused:
        open_storage(TuningWorkSettings(**read_profile("phantom")["tuning_work"]), tmp_path)
    assert "remove" not in str(refused.value)
    assert "this one is left as it is" in str(refused.value)
