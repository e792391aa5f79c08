"""The workloads that move bytes: A, B and C plain, D and L shaped, E and F over TLS."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from clients import Cuts, run_curl, run_sdk, run_send
from measure import GIB, KIB, MIB
from place import CutFiles
from sink import Sink
from sluiced import run_sluiced

SLUICE, NO_VERIFY = "sluice", "sluice, verify: none"
TEN, SENDFILE_MANY = "sluice, max_chunks: 10", "sendfile, 32 connections"
CURL, SENDFILE, MD5, COPY = "curl --parallel", "sendfile", "OpenSSL MD5, 2 threads", "read and send"
SDK, SDK_MANY = "JS SDK", "JS SDK, 8 at once"
SMOOTH, WAITING = "sendfile, no stalls", "sendfile, waits"
CURL_CONNECTIONS = 10  # more or fewer change its figures by less than their spread


@dataclass
class Setting:
    place: object
    runs: int
    sdk_runs: int  # of a peer ten times slower; 0 where it is not installed
    scale: float
    tls: object = None

    def bytes(self, wanted):
        """A size at this run's scale, in whole MiB."""
        return max(1, round(wanted * self.scale / MIB)) * MIB

    def count(self, wanted):
        return max(1, round(wanted * self.scale))


def rounds(clients, say):
    """Runs all clients in turn, again and again, so that a slow minute of the machine is everybody's. `clients` maps a
    label to (runs, function). Returns the samples of each."""
    samples = {label: [] for label in clients}
    for turn in range(max(runs for runs, _ in clients.values())):
        for label, (runs, run) in clients.items():
            if turn >= runs:
                continue
            say(f"{label}, {turn + 1} of {runs}")
            samples[label].append(run())
    return {label: rows for label, rows in samples.items() if rows}


def bulk(setting, say, files, tls=None):
    """Large files over an unshaped sink: A, B, E, F. The SDK sends them one after the other, and eight at once if there
    are as many."""
    place, runs = setting.place, setting.runs
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(place, tls))
        cuts = Cuts(sink, files)
        cut_files = stack.enter_context(CutFiles(place, cuts.parts()))
        label, way, connections = (COPY, "copy", 2) if tls else (SENDFILE, "sendfile", 4)
        clients = {
            label: (runs, lambda: run_send(place, sink, cuts, way, connections)),
            MD5: (runs, lambda: run_send(place, sink, cuts, "md5", 2)),
            CURL: (runs, lambda: run_curl(place, sink, cuts, cut_files, CURL_CONNECTIONS)),
            SLUICE: (runs, lambda: run_sluiced(place, sink, files)),
            NO_VERIFY: (runs, lambda: run_sluiced(place, sink, files, "verify: none")),
            SDK: (setting.sdk_runs, lambda: run_sdk(place, sink, files, 1)),
        }
        if len(files) > 1:
            clients[SDK_MANY] = (setting.sdk_runs, lambda: run_sdk(place, sink, files, 8))
        return rounds(clients, say)


def one_large(setting, say):
    return bulk(setting, say, setting.place.media(1, setting.bytes(4 * GIB)))


def some_large(setting, say):
    return bulk(setting, say, setting.place.media(setting.count(32), 128 * MIB))


def one_large_tls(setting, say):
    return bulk(setting, say, setting.place.media(1, setting.bytes(4 * GIB)), setting.tls)


def some_large_tls(setting, say):
    return bulk(setting, say, setting.place.media(setting.count(32), 128 * MIB), setting.tls)


def many_small(setting, say):
    """The whole protocol for files below direct_max; curl and sendfile only PUT. The SDK is given a quarter of the
    files, since only its rate counts."""
    place, runs = setting.place, setting.runs
    files = place.media(setting.count(2000), 256 * KIB)
    some = files[: max(1, len(files) // 4)]
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(place))
        cuts = Cuts(sink, files)
        cut_files = stack.enter_context(CutFiles(place, cuts.parts()))
        clients = {
            SENDFILE: (runs, lambda: run_send(place, sink, cuts, "sendfile", 4)),
            CURL: (runs, lambda: run_curl(place, sink, cuts, cut_files, CURL_CONNECTIONS)),
            SLUICE: (runs, lambda: run_sluiced(place, sink, files)),
            SDK: (setting.sdk_runs, lambda: run_sdk(place, sink, some, 1)),
            SDK_MANY: (setting.sdk_runs, lambda: run_sdk(place, sink, some, 8)),
        }
        samples = rounds(clients, say)
    for label, rows in samples.items():
        for row in rows:
            row.more["items"] = len(some) if label in (SDK, SDK_MANY) else len(files)
    return samples


def shaped(setting, say, more_clients, **options):
    """One file at 10 MB/s a connection, 80 ms before each answer, ten connections each."""
    place, runs = setting.place, min(setting.runs, 3)  # the shape leaves little to vary
    files = place.media(1, setting.bytes(GIB))
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(place, connection_rate=10_000_000, answer_delay=80, **options))
        cuts = Cuts(sink, files)
        cut_files = stack.enter_context(CutFiles(place, cuts.parts()))
        clients = {
            SENDFILE: (runs, lambda: run_send(place, sink, cuts, "sendfile", 10)),
            CURL: (min(runs, 1), lambda: run_curl(place, sink, cuts, cut_files, 10)),
            TEN: (runs, lambda: run_sluiced(place, sink, files, "max_chunks: 10")),
            SDK: (min(setting.sdk_runs, 1), lambda: run_sdk(place, sink, files, 1, 10)),
        }
        if more_clients:
            clients[SENDFILE_MANY] = (runs, lambda: run_send(place, sink, cuts, "sendfile", 32))
            clients[SLUICE] = (runs, lambda: run_sluiced(place, sink, files))
        return rounds(clients, say)


def slow_connections(setting, say):
    return shaped(setting, say, True)


def slow_line(setting, say):
    return shaped(setting, say, False, line_rate=50_000_000, connect_delay=80)


def stalled_chunks(setting, say):
    """The shape of D, and each fiftieth PUT stands still for a minute. The ideal is sendfile where none does."""
    place, runs = setting.place, min(setting.runs, 3)
    files = place.media(1, setting.bytes(GIB))
    shape = {"connection_rate": 10_000_000, "answer_delay": 80}
    stalls = {"stall_every": 50, "stall": 60_000}

    def sending(sink):
        return run_send(place, sink, Cuts(sink, files), "sendfile", 10)

    clients = {
        SMOOTH: (runs, {}, sending),
        WAITING: (min(runs, 1), stalls, sending),
        TEN: (runs, stalls, lambda sink: run_sluiced(place, sink, files, "max_chunks: 10")),
        SDK: (min(setting.sdk_runs, 1), stalls, lambda sink: run_sdk(place, sink, files, 1, 10)),
    }

    # A sink for each run: what a client gave up still comes out of the kernel when its stall is over.
    def alone(more, run):
        with Sink(place, **shape, **more) as sink:
            return run(sink)

    return rounds({label: (count, partial(alone, more, run)) for label, (count, more, run) in clients.items()}, say)
