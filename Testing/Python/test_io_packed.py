"""Compressed files of several members, and what lies behind their data."""

import bz2
import gzip
import zlib

import numpy as np
import pytest
from image_files import ramp, write
from SparseAnnotateLib import InputError
from SparseAnnotateLib.io import packed, read_image, read_labels

SCAN = ramp((6, 20, 30))
BEHIND = {"zeros": bytes(700), "text": b"some text", "one byte": b"\0", "half a mark": b"\x1f", "a mark": b"\x1f\x8a 1"}
NRRD = b"NRRD0005\ntype: int16\ndimension: 3\nsizes: 30 20 6\nendian: little\nencoding: %s\n\n"


def members(raw, *, size, pack=gzip.compress):
    return b"".join(pack(raw[start : start + size]) for start in range(0, len(raw), size))


@pytest.fixture
def raw(tmp_path):
    return write(tmp_path / "scan.nii", SCAN).read_bytes()


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
class TestBehindNifti:
    def test_the_image_is_read_with_one_line(self, tmp_path, raw, behind, caplog):
        path = tmp_path / "padded.nii.gz"
        path.write_bytes(gzip.compress(raw) + behind)
        assert np.array_equal(read_image(path, "k").intensities, SCAN)
        assert [record.getMessage() for record in caplog.records] == [
            f"{path}: {len(behind)} bytes behind its compressed data are ignored; the image is whole"
        ]

    @pytest.mark.usefixtures("raw")
    def test_so_are_labels(self, tmp_path, behind, caplog):
        scan = tmp_path / "scan.nii"
        labels = (SCAN > 3000).astype(np.uint8)
        path = tmp_path / "labels.nii.gz"
        path.write_bytes(gzip.compress(write(tmp_path / "labels.nii", labels).read_bytes()) + behind)
        assert np.array_equal(read_labels(path, read_image(scan, "k")).labels, labels)
        assert "behind its compressed data" in caplog.text

    def test_what_is_missing_is_still_found(self, tmp_path, raw, behind):
        path = tmp_path / "short.nii.gz"
        path.write_bytes(gzip.compress(raw[:-50]) + behind)
        with pytest.raises(InputError, match="is truncated"):
            read_image(path)


@pytest.mark.parametrize("size", [100, 352, 5000])
def test_members_one_after_the_other_as_bgzip_writes_them(tmp_path, raw, size, caplog):
    path = tmp_path / "blocks.nii.gz"
    path.write_bytes(members(raw, size=size) + gzip.compress(b""))
    assert np.array_equal(read_image(path, "k").intensities, SCAN)
    assert not caplog.records


@pytest.mark.parametrize("cut", [3, 40, 200])
def test_a_last_member_that_breaks_off_is_damage(tmp_path, raw, cut):
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(members(raw, size=3000)[:-cut])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_image(path)


def test_a_wrong_sum_is_damage(tmp_path, raw):
    path = tmp_path / "sum.nii.gz"
    content = bytearray(gzip.compress(raw))
    content[-6] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged or truncated"):
        read_image(path)


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"bzip2", bz2.compress)])
def test_members_of_nrrd(tmp_path, encoding, pack):
    path = tmp_path / "scan.nrrd"
    path.write_bytes(NRRD % encoding + members(SCAN.astype("<i2").tobytes(), size=2000, pack=pack))
    assert np.array_equal(read_image(path, "k").intensities, SCAN)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_chunks_may_end_anywhere(chunk, encoding):
    pack = gzip.compress if encoding == "gzip" else bz2.compress
    content = members(b"0123456789" * 500, size=1200, pack=pack) + b"\0\0\0"
    found = []

    def unpacked():
        chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
        found.append((yield from packed.decompressed(chunks, encoding)))

    assert b"".join(unpacked()) == b"0123456789" * 500
    assert found == [3]


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_what_unpacks_to_much_comes_in_pieces(monkeypatch, pack):
    monkeypatch.setattr(packed, "_MOST_AT_ONCE", 1000)
    pieces = list(packed.decompressed([pack(bytes(100_000))], "gzip"))
    assert max(map(len, pieces)) == 1000
    assert sum(map(len, pieces)) == 100_000
