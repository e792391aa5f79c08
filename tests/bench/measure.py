"""Runs a client and says what it cost: wall time, CPU time of its own, and its largest resident size."""

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
LOOK_SECONDS = 0.02


@dataclass
class Sample:
    wall_s: float
    cpu_s: float
    rss_bytes: int
    sink_cpu_s: float = 0.0
    more: dict = field(default_factory=dict)


class Failed(Exception):
    """A run that does not count."""


def process_cpu_s(pid):
    """User and system time of all threads so far, in full resolution (the process CPU clock of clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


def status_bytes(pid, key):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * KIB
    except OSError:
        pass
    return 0


def peak_rss_bytes(pid):
    return status_bytes(pid, "VmHWM")


def written_bytes(pid):
    """What the process caused to be written to storage; None where the kernel does not tell us."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return int(dict(line.split(": ") for line in file.read().splitlines())["write_bytes"])
    except (OSError, KeyError):
        return None


def run_child(argv, environment=None, cwd=None):
    """Runs a program to its end. Returns its Sample and what it wrote to standard output."""
    begun = time.monotonic()
    child = subprocess.Popen(
        argv, env={**os.environ, **(environment or {})}, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    largest = [0]
    ended = threading.Event()

    # The kernel's own maximum for a child includes the moment between fork and exec, when it still is Python.
    def look():
        while not ended.wait(LOOK_SECONDS):
            largest[0] = max(largest[0], peak_rss_bytes(child.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    ended.set()
    watcher.join()
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{os.path.basename(argv[0])} ended with {child.returncode}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, largest[0]), output


def wait_until(what, probe, seconds=120.0, pause=0.005):
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause)


def summary(values):
    """Median and spread of a list of figures."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}
