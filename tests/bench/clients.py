"""The other clients: bare curl, the bound by sendfile, an OpenSSL MD5 loop, the official SDK."""

import json
import os
from urllib.parse import urlsplit

from measure import Failed, run_child
from sink import KEY


def counted(sink, wanted_bytes, run):
    """Runs a client against the sink, and believes it only when all bytes came."""
    sink.reset()
    before = sink.cpu_s()
    sample = run()
    sample.sink_cpu_s = sink.cpu_s() - before
    got = sample.more["body_bytes"] = sink.record()["body_bytes"]
    if got != wanted_bytes:
        raise Failed(f"{got} bytes came, {wanted_bytes} were to")
    return sample


class Cuts:
    """The chunks of some files with their presigned URLs."""

    def __init__(self, sink, files):
        self.rows = []  # (url, file, offset, length)
        for file in files:
            for url, offset, length in sink.presigned(os.path.getsize(file)):
                self.rows.append((url, file, offset, length))

    @property
    def total_bytes(self):
        return sum(row[3] for row in self.rows)

    def parts(self):
        return [(file, offset, length) for _, file, offset, length in self.rows]

    def write_parts(self, name):
        """For sluice-bench-send."""
        with open(name, "w", encoding="utf-8") as out:
            for url, file, offset, length in self.rows:
                at = urlsplit(url)
                out.write(f"{at.path}?{at.query}\t{file}\t{offset}\t{length}\n")
        return name

    def write_curl(self, name, cut_files):
        """For curl --config; the empty Expect header spares curl a wait of one second per request."""
        with open(name, "w", encoding="utf-8") as out:
            out.write('header = "Expect:"\nheader = "Content-Type: application/octet-stream"\n')
            for row, cut in zip(self.rows, cut_files, strict=True):
                out.write(f'url = "{row[0]}"\nupload-file = "{cut}"\noutput = "/dev/null"\n')
        return name


def run_send(place, sink, cuts, way, connections):
    parts = cuts.write_parts(place.work / "parts.tsv")
    argv = [place.program("sluice-bench-send"), "--parts", parts, "--port", str(sink.store_port)]
    argv += ["--way", way, "--connections", str(connections)]
    if sink.tls:
        argv += ["--ca-file", sink.tls.ca_file]
    return counted(sink, cuts.total_bytes, lambda: run_child(argv)[0])


def run_curl(place, sink, cuts, cut_files, connections):
    config = cuts.write_curl(place.work / "curl.conf", cut_files)
    argv = ["curl", "--no-progress-meter", "--fail", "--parallel", "--parallel-max", str(connections)]
    argv += ["--parallel-immediate", "--config", config]
    if sink.tls:
        argv += ["--tlsv1.3", "--cacert", sink.tls.ca_file]
    return counted(sink, cuts.total_bytes, lambda: run_child(argv)[0])


def run_sdk(place, sink, files, at_once, workers=None):
    """The SDK copies each chunk into a file of the temporary folder first; that is the disk's, as it is by default."""
    chunks = place.work / "sdk"
    chunks.mkdir(exist_ok=True)
    plan = place.work / "sdk.json"
    plan.write_text(json.dumps({"files": [str(file) for file in files], "at_once": at_once, "max_workers": workers}))
    environment = {"TWELVELABS_BASE_URL": sink.base_url, "TWELVE_LABS_API_KEY": KEY, "TMPDIR": str(chunks)}
    if sink.tls:
        environment["NODE_EXTRA_CA_CERTS"] = str(sink.tls.ca_file)

    def run():
        sample, output = run_child(["node", "sdk.mjs", plan], environment, place.top / "sdk")
        told = json.loads(output.splitlines()[-1])
        sample.wall_s, sample.cpu_s = told["wall_s"], told["cpu_s"]  # without the start of node
        sample.more["rss_told_bytes"] = told["max_rss_bytes"]
        return sample

    return counted(sink, sum(os.path.getsize(file) for file in files), run)
