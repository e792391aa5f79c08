"""Runs tests of a built program, one process at a time, with a bound on everything that it could use up."""

import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

FILE_BYTES_MAX = 256 << 20
MEMORY_BYTES_MAX = 8 << 30
FAILED = re.compile(r"^\[  FAILED  \] ([^\s,]+)", re.MULTILINE)
BEGUN = re.compile(r"^\[ RUN      \] (\S+)", re.MULTILINE)


class Program:
    def __init__(self, name, path):
        self.name, self.path = name, path

    def tests(self):
        listed = subprocess.run([self.path, "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
        names, suite = [], ""
        for line in listed.splitlines():
            word = line.split("#")[0].strip()
            if line.startswith("  "):
                names.append(suite + word)
            elif word.endswith("."):
                suite = word
        return [name for name in names if "DISABLED_" not in name]


class Ended:
    """How a run ended. `how` is "passed", "failed", "crashed" or "hung"; `test` the one that did it."""

    def __init__(self, how, test, seconds):
        self.how, self.test, self.seconds = how, test, seconds


PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None)


def _limit(cpu_seconds):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing goes on when this script is interrupted
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(program, tests, environment, seconds):
    """Runs these tests in one process until the first that fails. `seconds`: what they may take, of the
    processor; on the wall it may be many times as long, because the machine has other work to do."""
    folder = tempfile.mkdtemp(prefix="mutant-")
    os.chmod(folder, 0o755)  # as open as /tmp: some tests act as another user
    try:
        with open(Path(folder) / "said", "w+b") as said:
            began = time.monotonic()
            process = subprocess.Popen(
                [program.path, "--gtest_fail_fast", "--gtest_filter=" + ":".join(tests)],
                env={**os.environ, **environment, "TMPDIR": folder},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: _limit(int(seconds) + 1),
            )
            code = _wait(process, 30 + 10 * seconds)
            took = time.monotonic() - began
            said.seek(max(0, said.seek(0, 2) - (1 << 20)))
            return _ended(code, said.read().decode(errors="replace"), took)
    finally:
        _clear(folder, process.pid)


def _wait(process, seconds):
    """The exit status; None of one that had to be ended, with all that it started."""
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    return code


def _ended(code, text, took):
    if code == 0:
        return Ended("passed", "", took)
    failed, begun = FAILED.search(text), BEGUN.findall(text)
    if failed:
        return Ended("failed", failed.group(1), took)
    hung = code is None or -code in (signal.SIGXCPU, signal.SIGKILL)
    return Ended("hung" if hung else "crashed", begun[-1] if begun else "", took)


def _clear(folder, pid):
    for line in Path("/proc/self/mounts").read_text().splitlines():  # a disk that a test made for itself
        if line.split()[1].startswith(folder + "/"):
            subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
    shutil.rmtree(folder, ignore_errors=True)
    for left in Path("/dev/shm").glob(f"sluice-sim-{pid}-*"):
        shutil.rmtree(left, ignore_errors=True)
