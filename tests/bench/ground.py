"""The ground that a run stands on: a network of its own, a certificate authority of its own, the machine's facts."""

import fcntl
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSIDE = "SLUICE_BENCH_INSIDE"
CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")
TRUST_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")  # what Debian's libcurl reads
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def enter_own_namespaces():
    """Starts this program again in a network and a mount namespace, where congestion control and trust roots can be set
    and nobody else sees it. Where that is refused, goes on outside, and the results say so."""
    if INSIDE in os.environ:
        return os.environ[INSIDE] == "yes"
    wall = ["unshare", "--net", "--mount"] if os.geteuid() == 0 else ["unshare", "--net", "--mount", "--map-root-user"]
    allowed = shutil.which("unshare") and subprocess.run([*wall, "true"], capture_output=True).returncode == 0
    os.environ[INSIDE] = "yes" if allowed else "no"
    if not allowed:
        return False
    sys.stdout.flush()
    os.execvp("unshare", [*wall, sys.executable, *sys.argv])


def set_up_network():
    """Loopback up; cubic, or reno where the kernel keeps cubic from namespaces."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
    for name in ("cubic", "reno"):
        try:
            CONGESTION.write_text(name)
            return
        except OSError:
            continue


@dataclass
class Tls:
    ca_file: Path
    certificate: Path
    private_key: Path


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


def make_tls(folder):
    """A certificate authority and a certificate for 127.0.0.1, trusted inside of this mount namespace only."""
    folder.mkdir()
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *curve, "-subj", "/CN=sluice bench CA", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
    openssl("req", *curve, "-subj", "/CN=127.0.0.1", "-keyout", "sink.key", "-out", "sink.csr", cwd=folder)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        *("x509", "-req", "-days", "2", "-in", "sink.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-extfile", "names", "-out", "sink.pem"),
        cwd=folder,
    )
    roots = folder / "roots.pem"
    roots.write_bytes(TRUST_ROOTS.read_bytes() + (folder / "ca.pem").read_bytes())
    subprocess.run(["mount", "--bind", roots, TRUST_ROOTS], check=True)
    return Tls(folder / "ca.pem", folder / "sink.pem", folder / "sink.key")


def drop_trust():
    subprocess.run(["umount", TRUST_ROOTS], check=True)


def first_line(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True).stdout.partition("\n")[0].strip()
    except FileNotFoundError:
        return ""


def facts(place):
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "commit": first_line("git", "-C", str(place.root), "describe", "--always", "--dirty") or "unknown",
        "curl": " ".join(first_line("curl", "--version").split()[:2]),
        "node": first_line("node", "--version"),
        "cpu": model,
        "cores": os.cpu_count(),
        "flags": [flag for flag in ("avx2", "avx512f", "avx512bw", "sha_ni", "aes", "vaes") if flag in flags],
        "kernel": platform.release(),
        "congestion_control": CONGESTION.read_text().strip(),
        "own_network": os.environ.get(INSIDE) == "yes",
        "load_before": os.getloadavg()[0],
        "media_on": first_line("stat", "--file-system", "--format=%T", str(place.media_dir)),
    }
