"""Where things are: programs, media, and the folders that a run writes to."""

import os
import shutil
import tempfile
from pathlib import Path

from measure import MIB

HEAD = bytes.fromhex("00000018667479706d703432000000006d70343269736f6d")  # how an MP4 file begins
BLOCK_BYTES = MIB
MEMORY = Path("/dev/shm")


class Place:
    def __init__(self, root, build, top):
        self.root = root
        self.build = build
        self.top = top  # everything that a run writes, but for what fits into MEMORY
        self.media_dir = self.top / "media"
        self.work = self.top / "work"

    def prepare(self):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.media_dir.mkdir(parents=True, exist_ok=True)

    def clean(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def program(self, name):
        folder = "tests/bench" if name.startswith("sluice-bench-") else "daemon"
        return self.build / folder / name

    def media(self, count, file_bytes):
        """Files of unlike content, written down and in the page cache; kept between runs."""
        folder = self.media_dir / f"{count}x{file_bytes}"
        folder.mkdir(exist_ok=True)
        files = [folder / f"{folder.name}-{i:05}.mp4" for i in range(count)]
        block = os.urandom(BLOCK_BYTES)
        for i, file in enumerate(files):
            if not file.exists() or file.stat().st_size != file_bytes:
                write_media(file, file_bytes, block, i)
            warm(file)
        return files


def write_media(file, file_bytes, block, number):
    with open(file, "wb") as out:
        left = file_bytes
        while left > 0:
            head = HEAD + number.to_bytes(8, "big") + left.to_bytes(8, "big") if left == file_bytes else HEAD[::-1]
            piece = (head + left.to_bytes(8, "big") + block[len(head) + 8 :])[:left]
            out.write(piece)
            left -= len(piece)
        out.flush()
        os.fsync(out.fileno())


def warm(file):
    with open(file, "rb", buffering=0) as source:
        buffer = bytearray(BLOCK_BYTES)
        while source.readinto(buffer):
            pass


class CutFiles:
    """Each chunk as a file of its own, in memory where /dev/shm has room: curl can send whole files only. As a context;
    the time of cutting is nobody's."""

    def __init__(self, place, cuts):
        self.cuts = cuts  # (file, offset, length)
        need = sum(length for _, _, length in cuts)
        room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-bench-", dir=MEMORY if room > 1.2 * need else place.work))

    def __enter__(self):
        names = []
        for i, (file, offset, length) in enumerate(self.cuts):
            name = self.folder / f"{i:06}"
            with open(file, "rb") as source, open(name, "wb") as out:
                source.seek(offset)
                out.write(source.read(length))
            names.append(name)
        return names

    def __exit__(self, *_):
        shutil.rmtree(self.folder)
