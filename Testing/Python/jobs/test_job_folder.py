import dataclasses
import json

import numpy as np
import pytest
from jobs.examples import tiny_job
from SparseAnnotateLib import InputError
from SparseAnnotateLib.jobs.folder import FORMAT, JobFolder, read_job, write_job
from SparseAnnotateLib.jobs.job import import_plugins


@pytest.fixture
def written(tmp_path):
    job = tiny_job("nearest", "my scan", seed=5)
    write_job(job, tmp_path / "job")
    return job, tmp_path / "job"


def describe(folder, change):
    path = JobFolder(folder).job
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_a_job_comes_back_as_it_was_written(written):
    job, folder = written
    back = read_job(folder)
    assert (back.predictor, back.name, back.options) == ("nearest", "my scan", {"seed": 5})
    assert (back.volume.spacing_mm, back.volume.geometry, back.volume.axis) == (
        job.volume.spacing_mm,
        job.volume.geometry,
        job.volume.axis,
    )
    for field in dataclasses.fields(job.annotation):
        one, other = getattr(back.annotation, field.name), getattr(job.annotation, field.name)
        np.testing.assert_array_equal(one, other)
        assert type(one) is type(other)
    np.testing.assert_array_equal(back.volume.intensities, job.volume.intensities)


def test_structures_on_planes_of_their_own_planes_of_another_axis_and_box_come_back(tmp_path):
    job = tiny_job("nearest")
    annotation = job.annotation.with_painted_along(1, [0], job.annotation.labels)
    annotation = annotation.with_complete({1: annotation.painted_planes[:1]})
    corners = (0, 0, 0), tuple(size - 1 for size in annotation.labels.shape)
    write_job(dataclasses.replace(job, annotation=annotation.with_box(*corners)), tmp_path / "job")
    back = read_job(tmp_path / "job").annotation
    assert (back.painted_along, back.box) == ({1: (0,)}, corners)
    assert back.complete_planes_of(1) == annotation.painted_planes[:1]


def test_a_job_of_before_structures_had_planes_of_their_own_is_read(written):
    job, folder = written
    describe(folder, lambda values: [values["annotation"].pop(key) for key in ("complete", "painted_along", "box")])
    np.testing.assert_array_equal(read_job(folder).annotation.complete, job.annotation.complete)


def test_arrays_are_mapped_not_read(written):
    _, folder = written
    job = read_job(folder)
    for array in (job.volume.intensities, job.annotation.labels, job.annotation.known):
        assert isinstance(array.base, np.memmap)


def test_what_a_predictor_does_to_its_arrays_stays_in_its_process(written):
    original, folder = written
    read_job(folder).volume.intensities[:] = 7
    np.testing.assert_array_equal(read_job(folder).volume.intensities, original.volume.intensities)


def test_a_newer_format_is_refused_with_a_sentence(written):
    _, folder = written
    describe(folder, lambda values: values.update(format=FORMAT + 1, predictor={"what": "nobody knows yet"}))
    with pytest.raises(InputError, match=r"has the format 2, this SparseAnnotate .* reads up to 1: update it$"):
        read_job(folder)


def test_names_that_a_later_version_adds_are_ignored(written):
    _, folder = written
    describe(folder, lambda values: values.update(mood="good"))
    assert read_job(folder).predictor == "nearest"


@pytest.mark.parametrize("format_", [0, "1", None])
def test_a_format_that_never_was_is_refused(written, format_):
    _, folder = written
    describe(folder, lambda values: values.update(format=format_))
    with pytest.raises(InputError, match="which does not exist"):
        read_job(folder)


@pytest.mark.parametrize("name", ["intensities.npy", "labels.npy", "known.npy"])
@pytest.mark.parametrize("damage", ["cut", "missing", "other type", "other shape", "pickled"])
def test_a_damaged_array_is_told(written, name, damage):
    _, folder = written
    path = folder / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "missing":
        path.unlink()
    else:
        array = np.load(path)
        np.save(path, {"other type": array.astype(np.int64), "other shape": array[1:]}.get(damage, np.array([{}])))
    with pytest.raises(InputError, match=r"is damaged .*: start it again"):
        read_job(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"name": "no format"}'])
def test_an_unreadable_description_is_told(written, content):
    _, folder = written
    JobFolder(folder).job.write_text(content)
    with pytest.raises(InputError, match=r"job\.json cannot be read"):
        read_job(folder)


def test_a_description_that_lacks_a_part_is_told(written):
    _, folder = written
    describe(folder, lambda values: values.pop("volume"))
    with pytest.raises(InputError, match="is damaged"):
        read_job(folder)


def test_a_folder_without_a_job_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no job"):
        read_job(tmp_path)


def test_a_job_names_a_predictor_and_never_a_module(written, tmp_path, monkeypatch):
    _, folder = written
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'proof')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    describe(folder, lambda values: values.update(predictor="evil", plugins="evil"))
    with pytest.raises(InputError, match="there is no predictor 'evil'"):
        read_job(folder).check()
    assert not (tmp_path / "proof").exists()


def test_a_plugin_that_cannot_be_imported_is_told(monkeypatch):
    monkeypatch.setenv("SPARSE_ANNOTATE_PLUGINS", "no_such_module_anywhere")
    with pytest.raises(InputError, match="SPARSE_ANNOTATE_PLUGINS names no_such_module_anywhere"):
        import_plugins()


def test_a_disk_too_small_for_the_job_is_told_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(OSError, match="0 MB free"):
        write_job(tiny_job(), tmp_path / "job")
    assert list((tmp_path / "job").iterdir()) == []
