"""Windows only: a job object, which ends a process with all its children.

Tested with a stand-in for kernel32 that speaks C's calling convention; never run on a Windows.
"""

from __future__ import annotations

import ctypes
import subprocess

# Names and numbers of winnt.h. DWORD is spelled out, as ctypes' own has 8 bytes on other systems, where this is tested.
_DWORD = ctypes.c_uint32
_HANDLE = ctypes.c_void_p
_EXTENDED_LIMIT_INFORMATION = 9
_KILL_ON_JOB_CLOSE = 0x2000


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", _DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", _DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", _DWORD),
        ("SchedulingClass", _DWORD),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION; `IoInfo` is an IO_COUNTERS."""

    _fields_ = (
        ("BasicLimitInformation", BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


# Handles have 64 bits: without these ctypes takes what a function returns for an int of 32.
_SIGNATURES = {
    "CreateJobObjectW": (_HANDLE, (ctypes.c_void_p, ctypes.c_wchar_p)),
    "SetInformationJobObject": (ctypes.c_int, (_HANDLE, ctypes.c_int, ctypes.c_void_p, _DWORD)),
    "AssignProcessToJobObject": (ctypes.c_int, (_HANDLE, _HANDLE)),
    "CloseHandle": (ctypes.c_int, (_HANDLE,)),
}


def _kernel32():
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(kernel, name)
        function.restype, function.argtypes = result, arguments
    return kernel


class JobObject:
    """Holds a process and its future children; closing it, or dying with it open, ends them all.

    Our handle is the only one and is not inherited, so that it closes with us, however we end.

    Raises
    ------
    OSError
        Where Windows refuses.
    """

    def __init__(self, process_handle: int):
        self._kernel = _kernel32()
        self._handle = self._checked(self._kernel.CreateJobObjectW(None, None))
        try:
            limits = ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
            size = ctypes.sizeof(limits)
            self._checked(
                self._kernel.SetInformationJobObject(
                    self._handle, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), size
                )
            )
            self._checked(self._kernel.AssignProcessToJobObject(self._handle, process_handle))
        except OSError:
            self.close()
            raise

    @staticmethod
    def _checked(result: int | None) -> int:
        if not result:
            raise ctypes.WinError(ctypes.get_last_error())
        return result

    def close(self) -> None:
        """End every process in it; harmless the second time."""
        if self._handle:
            self._kernel.CloseHandle(self._handle)
            self._handle = None


def hold(process: subprocess.Popen) -> JobObject:
    """Put a process that was just started into a job object; one that cannot be held is ended.

    What it starts in the microseconds before that is not held: a Python of ours starts nothing so soon.
    """
    try:
        return JobObject(int(process._handle))
    except OSError:
        process.kill()
        raise
