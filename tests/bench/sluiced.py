"""The real daemon under measurement: its release build, its default configuration but for places and settling."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from measure import Failed, Sample, peak_rss_bytes, process_cpu_s, wait_until, written_bytes
from sink import KEY

CONFIG = """platform:
  base_url: {base_url}
  api_key: {{file: "{home}/key"}}
state_dir: {home}/state
sources:
- {{name: drop, folder: "{home}/drop", settle: 0s}}
{transfer}control: {{socket: "{socket}"}}
log: {{format: json}}
"""


class Sluiced:
    """A daemon with a folder of its own, as a context; killed at the end if it still runs."""

    def __init__(self, place, sink, transfer=""):
        self.place = place
        self.sink = sink
        self.home = place.work / "sluiced"
        self.socket_path = self.home / "control.sock"
        if len(str(self.socket_path)) > 100:  # a Unix socket's path holds 107 bytes
            self.socket_path = f"/tmp/sluice-bench-{os.getpid()}.sock"
        self.transfer = f"transfer: {{{transfer}}}\n" if transfer else ""
        self.process = None

    def __enter__(self):
        shutil.rmtree(self.home, ignore_errors=True)
        self.drop = self.home / "drop"
        self.drop.mkdir(parents=True)
        key = self.home / "key"
        key.write_text(KEY)
        key.chmod(0o600)
        self.config = self.home / "sluice.yaml"
        self.config.write_text(
            CONFIG.format(
                base_url=self.sink.base_url, home=self.home, transfer=self.transfer, socket=self.socket_path
            )
        )
        return self

    def __exit__(self, *_):
        if self.process:
            self.end(signal.SIGKILL)
        Path(self.socket_path).unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        """Starts it and waits for READY by sd_notify. Returns the seconds that took."""
        name = f"sluice-bench-{os.getpid()}"  # in the abstract namespace: no path, no limit on its length
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(self.home / "log", "ab") as log:
            notify.bind("\0" + name)
            notify.settimeout(60)
            begun = time.monotonic()
            self.process = subprocess.Popen(
                [self.place.program("sluiced"), "--config", self.config],
                env={**os.environ, "NOTIFY_SOCKET": "@" + name},
                cwd=self.home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
            except TimeoutError:
                raise Failed("sluiced did not get READY") from None
            self.ready_ns = time.monotonic_ns()
            return self.ready_ns / 1e9 - begun

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def fill(self, **counts):
        """Makes the journal of a long life, before the first start."""
        state = self.home / "state"
        state.mkdir(mode=0o700)
        argv = [self.place.program("sluice-bench-backlog"), "--journal", state / "journal.db", "--root", self.drop]
        for name, count in counts.items():
            argv += ["--" + name, str(count)]
        subprocess.run(argv, check=True)

    def status(self):
        """By the command line, as people ask. Returns what it said and the seconds it took."""
        begun = time.monotonic()
        argv = [self.place.program("sluice"), "--socket", self.socket_path, "status", "--json"]
        answer = subprocess.run(argv, capture_output=True)
        seconds = time.monotonic() - begun
        if not answer.stdout:
            raise Failed("sluice status: " + answer.stderr.decode().strip())
        return json.loads(answer.stdout), seconds

    def state_bytes(self):
        return sum(file.stat().st_size for file in (self.home / "state").iterdir())

    def check(self):
        if self.process.poll() is not None:
            raise Failed(f"sluiced ended by itself with {self.process.returncode}; see its log")


def drop_and_wait(sluiced, files, seconds=300.0):
    """Moves the files into the folder of a daemon that is READY, and measures until the sink has the last of them."""
    sink = sluiced.sink
    sink.reset()
    cpu, sink_cpu, written = process_cpu_s(sluiced.pid), sink.cpu_s(), written_bytes(sluiced.pid)
    begun_ns = time.monotonic_ns()
    moved = [(file, sluiced.drop / file.name) for file in files]
    for file, there in moved:
        os.rename(file, there)

    def arrived():
        sluiced.check()
        record = sink.record()
        return record["assets_arrived"] >= len(files) and record

    try:
        record = wait_until("the last upload", arrived, seconds, pause=0.01)
        cpu_s = process_cpu_s(sluiced.pid) - cpu
        more = {"api_requests": record["api_requests"], "connections": record["connections"]}
        if written is not None:
            more["written_bytes"] = written_bytes(sluiced.pid) - written
        return Sample(
            (record["last_arrival_ns"] - begun_ns) / 1e9,
            cpu_s,
            peak_rss_bytes(sluiced.pid),
            sink.cpu_s() - sink_cpu,
            more | {"body_bytes": record["body_bytes"], "state_bytes": sluiced.state_bytes()},
        )
    finally:
        for file, there in moved:
            os.rename(there, file)


def run_sluiced(place, sink, files, transfer=""):
    with Sluiced(place, sink, transfer) as sluiced:
        sluiced.start()
        sample = drop_and_wait(sluiced, files)
        sluiced.end()
        return sample
