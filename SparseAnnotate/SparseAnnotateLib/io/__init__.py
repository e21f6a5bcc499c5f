"""Images and label maps in files: what is read, what is written, and what is refused (docs/guide/formats.md).

- `images`: one 3-D image from a file or a folder; `labels`: label maps and segmentations with their names;
  `label_values`: what their voxels may hold; `rough`: those of other programs, resampled where need be;
  `probabilities`: written.
- `folders`, `slices`, `tiff` (its `resolution`), `dicom/`: one kind of source each, which hands on a `found`;
  `segmentation`: .seg.nrrd; `itk`: everything that SimpleITK reads.
- `headers`, `encoding`: the geometry of an image, repeated bit by bit in its results. `colors`, `polygons`: DICOM's.
- `grid_checks`: one rectangular grid, and the file says which. `whole`: damage that ITK keeps to itself is found;
  `foreign`: what is no scan at all; `packed`: compressed streams to their end; `nifti`: headers of both versions;
  `readable`: a file under a name and in a form that ITK reads.
- `tables`: .csv in any encoding.
- `writing`: files that are whole or not there; `outputs`, `parts`: no output destroys an input.

May be imported here: the ground. SimpleITK, pydicom and tifffile are imported inside functions. What fits no volume is
refused with an InputError that says what to do.
"""

from .dicom.writing import check_dicom_output
from .images import is_scan, read_image
from .labels import LabelFile, read_labels, write_labels
from .outputs import refuse_overwriting
from .probabilities import write_probabilities
from .writing import check_writable, write_text

__all__ = [
    "LabelFile",
    "check_dicom_output",
    "check_writable",
    "is_scan",
    "read_image",
    "read_labels",
    "refuse_overwriting",
    "write_labels",
    "write_probabilities",
    "write_text",
]
