"""The marks: what Sluice's figures have to be beside its peers' of the same run."""

from dataclasses import dataclass

import transfers as t
from measure import GIB, MIB, summary


MEMORY_MIB = 64  # for payload buffers; what transfer.memory bounds


@dataclass
class Mark:
    workload: str
    text: str
    value: float
    bound: float

    @property
    def is_met(self):
        return self.value <= self.bound


class Figures:
    """The medians of one workload; `key` of a client that did not run is None, and so is its mark."""

    def __init__(self, workload, clients):
        self.workload = workload
        self.clients = clients

    def of(self, label, key):
        client = self.clients.get(label)
        return client and client[key]["median"]

    def ratio(self, text, key, ours, theirs, bound):
        mine, peer = self.of(ours, key), self.of(theirs, key)
        if not mine or not peer:
            return []
        return [Mark(self.workload, text, mine / peer, bound)]


def bulk(figures):
    return (
        figures.ratio("wall, of the JS SDK's", "wall_s", t.SLUICE, t.SDK, 1 / 8)
        + figures.ratio("wall, of bare curl's", "wall_s", t.SLUICE, t.CURL, 1.4)
        + figures.ratio("CPU, of OpenSSL MD5's", "cpu_s", t.SLUICE, t.MD5, 0.6)
        + figures.ratio("CPU with verify: none, of bare curl's", "cpu_s", t.NO_VERIFY, t.CURL, 1.15)
    )


def bulk_tls(figures):
    marks = figures.ratio("wall, of the JS SDK's", "wall_s", t.SLUICE, t.SDK, 1 / 7)
    marks += figures.ratio("wall, of bare curl's", "wall_s", t.SLUICE, t.CURL, 1.3)
    ours, curls = figures.of(t.SLUICE, "cpu_s_per_gib"), figures.of(t.CURL, "cpu_s_per_gib")
    if ours and curls:
        marks.append(Mark(figures.workload, "CPU s/GiB above bare curl's", ours - curls, 0.45))
    return marks


def many_small(figures):
    marks = []
    rates = [figures.of(label, "items_per_s") for label in (t.SDK, t.SDK_MANY)]
    costs = [figures.of(label, "cpu_s_per_item") for label in (t.SDK, t.SDK_MANY)]
    if all(rates):
        rate = figures.of(t.SLUICE, "items_per_s")
        marks.append(Mark(figures.workload, "the JS SDK's items/s, of ours", max(rates) / rate, 1 / 20))
        cost = figures.of(t.SLUICE, "cpu_s_per_item")
        marks.append(Mark(figures.workload, "CPU per item, of the JS SDK's", cost / min(costs), 1 / 20))
    return marks


def slow_connections(figures):
    ten = figures.ratio("wall with ten, of sendfile's", "wall_s", t.TEN, t.SENDFILE, 1.05)
    return ten + figures.ratio("wall with 32, of sendfile's", "wall_s", t.SLUICE, t.SENDFILE_MANY, 1.1)


def slow_line(figures):
    return figures.ratio("wall, of sendfile's", "wall_s", t.TEN, t.SENDFILE, 1.02)


def stalled_chunks(figures):
    """A chunk that is sent again costs its own time once more, a twentieth of the whole; noticing it, about as much."""
    return figures.ratio("wall, of the ideal time", "wall_s", t.TEN, t.SMOOTH, 1.2)


def footprint(workloads):
    """Memory and disk, over all transfers of the run."""
    ours = [row[t.SLUICE] for row in workloads.values() if t.SLUICE in row]
    if not ours:
        return []
    marks = [Mark("RSS", "largest, MiB", max(row["rss_bytes"]["max"] for row in ours) / MIB, 48 + MEMORY_MIB)]
    if "A" in workloads and "written_per_byte" in workloads["A"][t.SLUICE]:
        written = workloads["A"][t.SLUICE]["written_per_byte"]["median"]
        marks.append(Mark("disk", "bytes written for a byte sent, in A", written, 0.001))
    return marks


RULES = {
    "A": bulk,
    "B": bulk,
    "C": many_small,
    "D": slow_connections,
    "L": slow_line,
    "W": stalled_chunks,
    "E": bulk_tls,
    "F": bulk_tls,
}


def standing_figures(found):
    return {
        name: {**summary(values), "unit": unit, "at_most": at_most} for name, (unit, values, at_most) in found.items()
    }


def all_marks(workloads):
    marks = []
    for key, found in workloads.items():
        if key in RULES:
            marks += RULES[key](Figures(key, found))
        else:
            asked = {name: figure for name, figure in found.items() if figure["at_most"] is not None}
            marks += [Mark(key, name, figure["median"], figure["at_most"]) for name, figure in asked.items()]
    return marks + footprint(workloads)


def per(sample):
    """The derived figures of one sample."""
    figures = {
        "wall_s": sample.wall_s,
        "cpu_s": sample.cpu_s,
        "rss_bytes": sample.rss_bytes,
        "sink_cpu_s": sample.sink_cpu_s,
    }
    body_bytes = sample.more.get("body_bytes")
    if body_bytes:
        figures["cpu_s_per_gib"] = sample.cpu_s / body_bytes * GIB
        figures["gib_per_s"] = body_bytes / GIB / sample.wall_s
        if sample.more.get("written_bytes") is not None:
            figures["written_per_byte"] = sample.more["written_bytes"] / body_bytes
    if items := sample.more.get("items"):
        figures["items_per_s"] = items / sample.wall_s
        figures["cpu_s_per_item"] = sample.cpu_s / items
    for key in ("api_requests", "connections"):
        if key in sample.more:
            figures[key] = sample.more[key]
    return figures
