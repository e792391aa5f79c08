"""The workloads that move few bytes: starting, restarting, waiting, and a long backlog.

Each returns figures as {name: (unit, values, at most)}; where nothing is asked of a figure, `at most` is None."""

import os
import shutil
import signal
import time

from measure import GIB, MIB, peak_rss_bytes, process_cpu_s, status_bytes, wait_until, written_bytes
from place import HEAD
from sink import Sink
from sluiced import Sluiced

POLL_BATCH = 50  # assets that one request asks for (R57)
POLL_MAX_SECONDS = 60  # poll.max
CHUNKS_MAX = 32  # transfer.max_chunks
CHUNK_BYTES = 5 * MIB


class NoPlatform:
    """A port where nobody listens: an offline platform, which leaves the journal as it is."""

    base_url = "http://127.0.0.1:9/v1.3"


def start(setting, say):
    """From the start of the process to READY, with no journal yet."""
    seconds = []
    for turn in range(2 * setting.runs):
        say(f"start {turn + 1}")
        with Sluiced(setting.place, NoPlatform) as sluiced:
            seconds.append(sluiced.start())
            rss = peak_rss_bytes(sluiced.pid)
            sluiced.end()
    return {
        "start to READY, ms": ("ms", [value * 1e3 for value in seconds], 50),
        "RSS when READY, MiB": ("MiB", [rss / MIB], None),
    }


def settled_record(sink):
    """The sink's record once nothing more of a dead client comes."""
    before = None
    while True:
        record = sink.record()
        if before and record["body_bytes"] == before["body_bytes"]:
            return record
        before = record
        time.sleep(0.1)


def restart(setting, say):
    """Killed by SIGKILL at a third of one large file, and started again."""
    file = setting.place.media(1, setting.bytes(4 * GIB))[0]
    size = file.stat().st_size
    first, again = [], []
    with Sink(setting.place) as sink:
        for turn in range(setting.runs):
            say(f"restart {turn + 1}")
            sink.reset()
            with Sluiced(setting.place, sink) as sluiced:
                sluiced.start()
                there = sluiced.drop / file.name
                os.rename(file, there)
                try:
                    wait_until("a third", lambda: sink.record()["body_bytes"] > size / 3)
                    sluiced.end(signal.SIGKILL)
                    before = settled_record(sink)
                    sink.lap()
                    sluiced.start()
                    wait_until("the rest", lambda: sink.record()["assets_arrived"], 300)
                    record = sink.record()
                finally:
                    os.rename(there, file)
            first.append((record["first_byte_ns"] - sluiced.ready_ns) / 1e6)
            again.append((before["body_bytes"] + record["body_bytes"] - size) / MIB)
    return {
        "READY to first byte, ms": ("ms", first, 100),
        "sent again, MiB (chunks in flight)": ("MiB", again, CHUNKS_MAX * CHUNK_BYTES / MIB),
    }


def observed(sluiced, seconds):
    """CPU in percent of a core and bytes written while nothing is asked of the daemon."""
    cpu, written, begun = process_cpu_s(sluiced.pid), written_bytes(sluiced.pid), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    sluiced.check()
    percent = (process_cpu_s(sluiced.pid) - cpu) / passed * 100
    return percent, 0 if written is None else written_bytes(sluiced.pid) - written


def idle(setting, say):
    """Nothing to do for 20 s; then 10,000 assets to wait for, over the longest poll interval."""
    place, count = setting.place, setting.count(10_000)
    say("idle, nothing to do")
    with Sluiced(place, NoPlatform) as sluiced:
        sluiced.start()
        time.sleep(2)  # the first sweep
        percent, written = observed(sluiced, 20)
        sluiced.end()
    say("idle, waiting for assets")
    with Sink(place, never_ready=True) as sink, Sluiced(place, sink) as sluiced:
        sluiced.fill(sent=count)
        sluiced.start()
        time.sleep(5)
        sink.reset()
        waiting_percent, waiting_written = observed(sluiced, POLL_MAX_SECONDS)
        polls = sink.record()["asset_reads"]
        sluiced.end()
    return {
        "nothing to do: CPU, % of a core": ("%", [percent], 0.2),
        "nothing to do: disk writes, KiB": ("KiB", [written / 1024], 0),
        f"{count} assets awaited: CPU, % of a core": ("%", [waiting_percent], 0.2),
        f"{count} assets awaited: polls in {POLL_MAX_SECONDS} s": ("", [polls], -(-count // POLL_BATCH)),
        f"{count} assets awaited: disk writes, KiB": ("KiB", [waiting_written / 1024], None),
    }


def million(setting, say):
    """A million items in the journal, ten thousand of them with open sessions; the platform offline."""
    place = setting.place
    items, sessions = setting.count(1_000_000), setting.count(10_000)
    seconds, answers = [], []
    with Sluiced(place, NoPlatform) as sluiced:
        say(f"filling a journal with {items} items")
        sluiced.fill(done=items - sessions, open=sessions)
        journal_bytes = sluiced.state_bytes()
        for turn in range(setting.runs):
            say(f"start {turn + 1} with {items} items")
            seconds.append(sluiced.start())
            rss_ready = peak_rss_bytes(sluiced.pid)
            time.sleep(2)
            answers += [sluiced.status()[1] for _ in range(10)]
            rss, resident = peak_rss_bytes(sluiced.pid), status_bytes(sluiced.pid, "VmRSS")
            sluiced.end()
    return {
        "start to READY, s": ("s", seconds, 2),
        "sluice status, ms": ("ms", [value * 1e3 for value in answers], 50),
        "RSS, largest, MiB": ("MiB", [rss / MIB], None),
        "RSS when READY, largest, MiB": ("MiB", [rss_ready / MIB], None),
        "RSS, after a while, MiB": ("MiB", [resident / MIB], None),
        "journal, MiB": ("MiB", [journal_bytes / MIB], None),
    }


def small_files(folder, count):
    """Files of 1 KiB, a thousand in a folder."""
    for i in range(count):
        part = folder / f"{i // 1000:04}"
        if i % 1000 == 0:
            part.mkdir(parents=True)
        (part / f"{i:06}.mp4").write_bytes(HEAD + i.to_bytes(1000, "big"))


def drop_many(place, say, count):
    """Returns the seconds, the CPU seconds, the largest resident size, and the seconds of each status."""
    folder = place.work / "many"
    say(f"making {count} files")
    small_files(folder, count)
    os.sync()  # or the daemon's first flush carries all of these
    answers = []
    try:
        with Sluiced(place, NoPlatform) as sluiced:
            sluiced.start()
            cpu, begun = process_cpu_s(sluiced.pid), time.monotonic()
            os.rename(folder, sluiced.drop / "many")

            def all_journaled():
                sluiced.check()
                status, seconds = sluiced.status()
                answers.append(seconds)
                say(f"{status['totals']['items']} of {count} journaled")
                return status["totals"]["items"] >= count

            wait_until("all items in the journal", all_journaled, 600, pause=0.1)
            seconds = time.monotonic() - begun
            return seconds, process_cpu_s(sluiced.pid) - cpu, peak_rss_bytes(sluiced.pid), answers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def many_dropped(setting, say):
    """A folder of 100,000 files moved in at once: until all are in the journal, asking for the status meanwhile."""
    count = setting.count(100_000)
    runs = [drop_many(setting.place, say, count) for _ in range(setting.runs)]
    seconds, cpu_s, rss, answers = zip(*runs, strict=True)
    return {
        "all journaled, s": ("s", seconds, 60 * setting.scale),
        "CPU s": ("s", cpu_s, None),
        "sluice status meanwhile, ms": ("ms", [value * 1e3 for row in answers for value in row], None),
        "sluice status meanwhile, slowest, ms": ("ms", [max(row) * 1e3 for row in answers], 50),
        "RSS, largest, MiB": ("MiB", [value / MIB for value in rss], None),
    }
