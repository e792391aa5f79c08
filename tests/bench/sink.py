"""The sink of a workload: started, asked and ended here."""

import http.client
import json
import ssl
import subprocess
from urllib.parse import urlsplit

from measure import process_cpu_s, wait_until

KEY = "bench-key"
URLS_PER_REQUEST = 50


class Sink:
    """sluice-bench-sink with the options given, as a context."""

    def __init__(self, place, tls=None, **options):
        self.place = place
        self.tls = tls
        self.options = options

    def __enter__(self):
        ready_file = self.place.work / "sink.json"
        ready_file.unlink(missing_ok=True)
        argv = [self.place.program("sluice-bench-sink"), "--ready-file", ready_file]
        if self.tls:
            argv += ["--certificate", self.tls.certificate, "--private-key", self.tls.private_key]
        for name, value in self.options.items():
            option = "--" + name.replace("_", "-")
            argv += [option] if value is True else [option, str(value)]
        self.process = subprocess.Popen(argv)
        wait_until("the sink", ready_file.exists, 10)
        ready = json.loads(ready_file.read_text())
        self.base_url = ready["base_url"]
        self.store_port = urlsplit(ready["store_url"]).port
        self.connection = self._connect()
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def _connect(self):
        address = urlsplit(self.base_url)
        if not self.tls:
            return http.client.HTTPConnection(address.hostname, address.port)
        context = ssl.create_default_context(cafile=self.tls.ca_file)
        return http.client.HTTPSConnection(address.hostname, address.port, context=context)

    def _ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {"x-api-key": KEY})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"the sink answered {answer.status} to {path}")
        return json.loads(text)

    def record(self):
        return self._ask("GET", "/record")

    def reset(self):
        self._ask("POST", "/reset")

    def lap(self):
        """A new record, for the same sessions."""
        self._ask("POST", "/lap")

    def cpu_s(self):
        return process_cpu_s(self.process.pid)

    def presigned(self, file_bytes):
        """URLs for all chunks of a file, as (url, offset, length)."""
        base = urlsplit(self.base_url).path
        asked = {"filename": "bench.mp4", "type": "video", "total_size": file_bytes}
        session = self._ask("POST", f"{base}/assets/multipart-uploads", asked)
        rows = session["upload_urls"]
        while len(rows) < session["total_chunks"]:
            more = {"start": len(rows) + 1, "count": URLS_PER_REQUEST}
            rows += self._ask("POST", f"{base}/assets/multipart-uploads/{session['upload_id']}/presigned-urls", more)[
                "upload_urls"
            ]
        chunk_bytes = session["chunk_size"]
        return [
            (row["url"], i * chunk_bytes, min(chunk_bytes, file_bytes - i * chunk_bytes)) for i, row in enumerate(rows)
        ]
