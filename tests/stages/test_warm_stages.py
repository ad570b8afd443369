"""A stage run by the process with the libraries does what it does when it starts as any program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm_toy import Toy, runs, toy, wait_for

from stages import handover

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every stage starts as any program"),
    pytest.mark.timeout(60),
]
PYTHON = f"{sys.executable} -m"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Toy]:
    yield from toy(tmp_path)


def _server(project: Toy) -> int:
    """Number of the process with the libraries."""
    (folder,) = (project.root / "work" / "warm").iterdir()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[2:4] == [b"stages.warm", folder.name.encode()]:
            return int(process.name)
    raise AssertionError("there is none")


def test_third_stage_has_the_libraries_and_its_own_arguments_folder_and_code(project: Toy) -> None:
    project.warm_up()
    for word in (2, 3):
        # Edited while the pipeline runs: DVC hashes it when the stage ends, so the stage must run it.
        (project.root / "stages" / "words.py").write_text(f"WORD = {word}  # {'x' * word}")
        code, said = project.run(f"env GIVEN={word} {PYTHON} stages.tell --run a-{word}")
        assert code == 0
        told = f"out {project.root} ['--run', 'a-{word}'] {word} {word}"
        assert said == [told, "err", "libraries True own False"]


def test_first_and_second_stage_start_as_any_program(project: Toy) -> None:
    for number in (1, 2):
        assert not any((project.root / "work").glob("warm/*/started"))
        assert project.run(f"{PYTHON} stages.tell", f"s{number}")[1][-1] == "libraries False own True"
    assert any((project.root / "work").glob("warm/*/started"))


def test_cold_start_is_asked_for(tmp_path: Path) -> None:
    for project in toy(tmp_path, PATHGEN_COLD_START="1"):
        for number in range(4):
            assert project.run(f"{PYTHON} stages.tell", f"s{number}")[1][-1] == "libraries False own True"
        assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [("0", 0, ""), ("3", 3, ""), ("words", 1, "error: said why"), ("error", 1, "ValueError: broken")],
)
def test_ends_with_the_same_code_and_words(project: Toy, how: str, code: int, words: str) -> None:
    cold = project.run(f"{PYTHON} stages.end {how}", "cold")
    project.run(f"{PYTHON} stages.end 0", "second")
    wait_for(lambda: any((project.root / "work" / "warm").glob("*/socket")))
    warm = project.run(f"{PYTHON} stages.end {how}", "warm")
    assert cold[0] == warm[0] == code
    assert (cold[1] or [""])[-1] == (warm[1] or [""])[-1] == words


def _waiting(project: Toy) -> tuple[int, int]:
    """Begin a stage that waits; return the numbers of its process and of the command that asked for it."""
    project.warm_up()
    project.begin("waiting", f"{PYTHON} stages.wait")
    stage = int(project.hear("waits").split()[1])
    (command,) = Path(f"/proc/{project.dvc.pid}/task/{project.dvc.pid}/children").read_text().split()
    assert stage != int(command)
    return stage, int(command)


def test_sigterm_reaches_the_stage(project: Toy) -> None:
    _, command = _waiting(project)
    os.kill(command, signal.SIGTERM)
    assert project.hear("got") == f"got {signal.SIGTERM.value}"
    assert project.hear("ended") == "ended waiting 7"


def test_ctrl_c_reaches_the_stage_once_and_the_next_one_is_run(project: Toy) -> None:
    _waiting(project)
    os.killpg(project.dvc.pid, signal.SIGINT)
    assert project.hear("got") == "got ctrl-c"
    assert project.hear("ended") == "ended waiting 8"
    assert project.run(f"{PYTHON} stages.tell")[1][-1] == "libraries True own False"


def test_stage_dies_with_its_command(project: Toy) -> None:
    stage, command = _waiting(project)
    os.kill(command, signal.SIGKILL)
    assert project.hear("ended") == "ended waiting -9"
    wait_for(lambda: not runs(stage))
    assert project.run(f"{PYTHON} stages.tell")[1][-1] == "libraries True own False"


def test_stage_that_is_killed_is_a_failed_command(project: Toy) -> None:
    stage, _ = _waiting(project)
    os.kill(stage, signal.SIGKILL)
    assert project.hear("ended") == "ended waiting 137"


def test_loss_of_the_process_with_the_libraries_fails_one_stage_and_not_the_next(project: Toy) -> None:
    stage, _ = _waiting(project)
    os.kill(_server(project), signal.SIGKILL)
    assert project.hear("error: waiting").endswith("was killed. Run the same command again")
    assert project.hear("ended") == "ended waiting 1"
    wait_for(lambda: not runs(stage))
    assert project.run(f"{PYTHON} stages.tell")[1][-1] == "libraries False own True"


def test_nothing_is_left_when_dvc_has_ended(project: Toy) -> None:
    project.warm_up()
    server = _server(project)
    assert os.getpgid(server) == project.dvc.pid
    project.stop()
    wait_for(lambda: not runs(server))
    assert not any((project.root / "work" / "warm").iterdir())


def test_nothing_is_left_when_all_are_killed(project: Toy) -> None:
    stage, command = _waiting(project)
    server = _server(project)
    os.killpg(project.dvc.pid, signal.SIGKILL)
    wait_for(lambda: not any(runs(process) for process in (stage, command, server)))


def test_shell_may_stay_between_dvc_and_the_stage(project: Toy) -> None:
    project.warm_up()
    code, said = project.run(f"sh -c '{PYTHON} stages.tell; exit $?'")
    assert (code, said[-1]) == (0, "libraries True own False")


def test_worker_that_a_stage_starts_is_no_stage(project: Toy) -> None:
    project.warm_up()
    assert project.run(f"{PYTHON} stages.start") == (0, ["worker False"])


def test_stage_started_by_hand_is_not_handed_over(project: Toy) -> None:
    project.warm_up()
    done = subprocess.run(
        [sys.executable, "-m", "stages.tell"],
        cwd=project.root,
        env=os.environ | {"DVC_STAGE": "toy"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("libraries False own True\n")
    assert len(list((project.root / "work" / "warm").iterdir())) == 1


def test_stages_start_alone_where_nothing_can_be_written(project: Toy) -> None:
    (project.root / "work").write_text("not a folder")
    for number in range(3):
        assert project.run(f"{PYTHON} stages.tell", f"s{number}")[1][-1] == "libraries False own True"


def test_first_process_of_a_container_is_no_dvcs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 0)
    assert handover._dvc_process() is None
