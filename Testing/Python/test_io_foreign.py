"""Files that are no scan: the sentence says what they are, whatever they are called, as image and as labels."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from image_files import ramp, write
from PIL import Image
from SparseAnnotateLib import InputError
from SparseAnnotateLib.cli import main
from SparseAnnotateLib.io import read_image, read_labels


def picture(kind):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(stream, kind)
    return stream.getvalue()


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("scan.nii"))
    return stream.getvalue()


def array():
    stream = io.BytesIO()
    np.save(stream, ramp())
    return stream.getvalue()


FILES = {
    "scan.gif": (picture("GIF"), "is a GIF picture"),
    "scan.webp": (picture("WEBP"), "is a WebP picture"),
    "scan.heic": (b"\0\0\0\x18ftypheic" + bytes(90), "is a HEIC picture"),
    "scan.avif": (b"\0\0\0\x1cftypavif" + bytes(90), "is an AVIF picture"),
    "scan.mp4": (b"\0\0\0\x20ftypisom" + bytes(90), r"is a film \(MP4\)"),
    "scan.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(90), "is a JPEG 2000 picture"),
    "report.pdf": (b"%PDF-1.7\n" + bytes(90), "is a PDF document: give the scan"),
    "report.docx": (zipped("[Content_Types].xml", "word/document.xml"), "is a Word document"),
    "table.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "is an Excel table"),
    "report.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "is an old Office document"),
    "scan.zip": (zipped("a/1.dcm"), r"is an archive \(zip\): unpack it"),
    "scene.mrb": (zipped("a/a.mrml", "a/Data/scan.nrrd"), "is a bundle of 3D Slicer: unpack it"),
    "scan.tar": (tarred(), r"is an archive \(tar\): unpack it"),
    "scan.npy": (array(), "is a NumPy array, which says no spacing: save"),
    "scan.mat": (b"MATLAB 5.0 MAT-file" + bytes(200), "is a MATLAB file"),
    "liver.stl": (b"solid liver\n" + bytes(90), "is an STL surface: give a label map"),
    "page.html": (b"<!DOCTYPE html><html></html>", "is a web page, perhaps instead of a download"),
    "scan.nii": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a pointer of Git LFS"),
    "gif.nii.gz": (picture("GIF"), "is a GIF picture"),
    "pdf.nrrd": (b"%PDF-1.7\n" + bytes(90), "is a PDF document"),
    "webp.tif": (picture("WEBP"), "is a WebP picture"),
    "gif.png": (picture("GIF"), "is a GIF picture"),
    "png.mha": (picture("PNG"), "is a PNG picture: save every slice"),
    "docx.nii": (zipped("word/document.xml"), "is a Word document"),
}


@pytest.mark.parametrize(("name", "content", "sentence"), [(name, *told) for name, told in FILES.items()], ids=FILES)
class TestForeign:
    def test_as_image(self, tmp_path, name, content, sentence):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"^[^\n]*{name} {sentence}[^\n]*$"):
            read_image(tmp_path / name)

    def test_as_labels(self, tmp_path, name, content, sentence):
        image = read_image(write(tmp_path / "image.nrrd", ramp()), "k")
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"^[^\n]*{name} {sentence}[^\n]*$"):
            read_labels(tmp_path / name, image)


def test_on_the_command_line(tmp_path, capsys):
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n")
    image = write(tmp_path / "image.nrrd", ramp())
    assert main(["predict", str(image), str(tmp_path / "report.pdf"), "-o", str(tmp_path / "out.nrrd")]) == 2
    assert "report.pdf is a PDF document: give the scan that it was made of" in capsys.readouterr().err


def test_a_damaged_archive(tmp_path):
    (tmp_path / "scan.zip").write_bytes(zipped("a")[:40])
    with pytest.raises(InputError, match=r"is a damaged archive \(zip\): get a fresh copy"):
        read_image(tmp_path / "scan.zip")
