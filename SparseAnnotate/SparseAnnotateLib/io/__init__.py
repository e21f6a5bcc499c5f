"""Images and label maps in files: every format that SimpleITK reads, DICOM, TIFF stacks, .seg.nrrd."""

from .dicom.writing import check_dicom_output
from .images import read_image
from .labels import LabelFile, read_labels, write_labels
from .outputs import refuse_overwriting
from .probabilities import write_probabilities
from .writing import check_writable, write_text

__all__ = [
    "LabelFile",
    "check_dicom_output",
    "check_writable",
    "read_image",
    "read_labels",
    "refuse_overwriting",
    "write_labels",
    "write_probabilities",
    "write_text",
]
