"""Compressed streams to their end: of one member or of several, as bgzip and pbzip2 write them, and what lies behind.

Tapes and copies pad files with zeros, and broken transfers add bytes. gzip ignores both, and so does ITK; a stream that
breaks off or whose sum is wrong is damaged.
"""

from __future__ import annotations

import bz2
import io
import zlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

_CHUNK = 1 << 20
_MOST_AT_ONCE = 1 << 24  # a megabyte of packed zeros is a gigabyte
_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"


def decompressed(chunks: Iterable[bytes], encoding: str, *, several: bool = True) -> Generator[bytes, None, int]:
    """The bytes of a ``raw``, ``gzip`` (or zlib) or ``bzip2`` stream; returns how many lie behind its last member.

    Parameters
    ----------
    several : whether members may follow the first one

    Raises
    ------
    EOFError
        Where it breaks off.
    zlib.error, OSError
        Where it is damaged.
    """
    if encoding not in ("gzip", "gz", "bzip2", "bz2"):
        yield from chunks
        return 0
    begins = _GZIP if encoding.startswith("g") else _BZIP2
    member, left, behind = _member(encoding), b"", 0
    for chunk in chunks:
        rest, left = left + chunk, b""
        while rest and not behind:
            if member.eof:
                if several and len(rest) < len(begins) and begins.startswith(rest):
                    left, rest = rest, b""  # the mark of the next member is cut in two
                    break
                if not (several and rest.startswith(begins)):
                    break
                member = _member(encoding)
            yield from _unpacked(member, rest)
            rest = member.unused_data if member.eof else b""
        behind += len(rest)
    if not member.eof:
        raise EOFError("the compressed voxels break off")
    return behind + len(left)


def length(chunks: Iterable[bytes], encoding: str) -> int:
    """How many bytes the first member takes; raises as `decompressed` does."""
    member, taken = _member(encoding), 0
    for chunk in chunks:
        taken += len(chunk)
        for _ in _unpacked(member, chunk):
            pass
        if member.eof:
            return taken - len(member.unused_data)
    raise EOFError("the compressed voxels break off")


def _member(encoding: str):
    return zlib.decompressobj(47) if encoding.startswith("g") else bz2.BZ2Decompressor()


def _unpacked(member, packed: bytes) -> Iterator[bytes]:
    """What some bytes of a member unpack to, piece by piece."""
    piece = member.decompress(packed, _MOST_AT_ONCE)
    while piece or packed:
        yield piece
        packed = getattr(member, "unconsumed_tail", b"")
        if member.eof or (not packed and len(piece) < _MOST_AT_ONCE):
            return
        piece = member.decompress(packed, _MOST_AT_ONCE)


class GzipFile(io.RawIOBase):
    """The bytes of a gzip file, and how many lie `behind` its last member, once all is read."""

    def __init__(self, path: Path):
        self.behind = 0
        self._file = path.open("rb")
        self._parts = self._all()
        self._part = memoryview(b"")

    def _all(self):
        self.behind = yield from decompressed(iter(lambda: self._file.read(_CHUNK), b""), "gzip")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer) -> int:
        """As `io.RawIOBase`."""
        while not len(self._part):
            part = next(self._parts, None)
            if part is None:
                return 0
            self._part = memoryview(part)
        count = min(len(buffer), len(self._part))
        buffer[:count] = self._part[:count]
        self._part = self._part[count:]
        return count

    def close(self) -> None:
        """Close the file below, too."""
        self._parts.close()
        self._file.close()
        super().close()


def is_gzip(path: Path) -> bool:
    """By its first bytes, whatever its name says."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def open_gzip(path: Path) -> io.BufferedReader:
    """A gzip file to read; its ``raw`` tells what lies `behind`."""
    return io.BufferedReader(GzipFile(path), _CHUNK)
