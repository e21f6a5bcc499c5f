"""Windows' job objects, on any system: kernel32 is replaced by functions that are called as C functions are."""

import ctypes
import types

import pytest
from SparseAnnotateLib.jobs import windows
from SparseAnnotateLib.jobs.windows import BasicLimits, ExtendedLimits, JobObject, hold

# More than 32 bits, to see that none is lost.
JOB, PROCESS = 0x7FF0_0000_0123, 0x1_0000_0456


class FakeKernel:
    """Notes what it is asked, as C code would see it; `failing` names a function that answers 0."""

    def __init__(self, failing=None):
        self.calls = []
        self._failing = failing
        handle, dword = ctypes.c_uint64, ctypes.c_uint32
        self._keep("CreateJobObjectW", handle, (ctypes.c_void_p, ctypes.c_wchar_p), JOB)
        self._keep("SetInformationJobObject", ctypes.c_int, (handle, ctypes.c_int, ctypes.c_uint64, dword), 1)
        self._keep("AssignProcessToJobObject", ctypes.c_int, (handle, handle), 1)
        self._keep("CloseHandle", ctypes.c_int, (handle,), 1)

    def _keep(self, name, result, arguments, answer):
        def called(*given):
            if name == "SetInformationJobObject":
                given = (*given[:2], ctypes.string_at(given[2], given[3]))
            self.calls.append((name, *given))
            return 0 if name == self._failing else answer

        function = ctypes.CFUNCTYPE(result, *arguments)(called)
        setattr(self, name, function)


@pytest.fixture
def kernel(monkeypatch):
    def install(failing=None):
        fake = FakeKernel(failing)
        monkeypatch.setattr(ctypes, "WinDLL", lambda name, **_: {"kernel32": fake}[name], raising=False)
        monkeypatch.setattr(ctypes, "get_last_error", lambda: 5, raising=False)
        monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(code, "Access is denied"), raising=False)
        return fake

    return install


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="sizes of 64-bit Windows")
def test_the_structures_have_the_sizes_and_places_of_winnt_h():
    assert (ctypes.sizeof(BasicLimits), ctypes.sizeof(ExtendedLimits)) == (64, 144)
    places = {name: getattr(BasicLimits, name).offset for name, _ in BasicLimits._fields_}
    assert list(places.values()) == [0, 8, 16, 24, 32, 40, 48, 56, 60]
    assert [getattr(ExtendedLimits, name).offset for name, _ in ExtendedLimits._fields_] == [0, 64, 112, 120, 128, 136]


def test_a_job_object_is_made_limited_and_given_the_process_in_this_order(kernel):
    fake = kernel()
    job = JobObject(PROCESS)
    limits = ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = 0x2000
    assert fake.calls == [
        ("CreateJobObjectW", None, None),
        ("SetInformationJobObject", JOB, 9, bytes(limits)),
        ("AssignProcessToJobObject", JOB, PROCESS),
    ]
    job.close()
    job.close()
    assert fake.calls[3:] == [("CloseHandle", JOB)]


@pytest.mark.parametrize("failing", ["SetInformationJobObject", "AssignProcessToJobObject"])
def test_what_windows_refuses_is_told_and_the_job_object_is_given_back(kernel, failing):
    fake = kernel(failing)
    with pytest.raises(OSError, match="Access is denied"):
        JobObject(PROCESS)
    assert [call[0] for call in fake.calls][-2:] == [failing, "CloseHandle"]


def test_no_job_object_is_told(kernel):
    fake = kernel("CreateJobObjectW")
    with pytest.raises(OSError, match="Access is denied"):
        JobObject(PROCESS)
    assert len(fake.calls) == 1


def test_a_process_that_cannot_be_held_is_ended(kernel):
    ended = []
    process = types.SimpleNamespace(_handle=PROCESS, kill=lambda: ended.append(True))
    kernel("AssignProcessToJobObject")
    with pytest.raises(OSError, match="Access is denied"):
        hold(process)
    assert ended
    kernel()
    assert isinstance(windows.hold(process), JobObject)
    assert len(ended) == 1
