"""DICOM: scans read, and segmentations read and written.

- `headers`: which files are DICOM, and what they hold. `steps`: whether slices make a volume.
- `damage`: what is wrong with a file as one sentence, and not our own mistakes.
- `values`: whether voxels can be decoded, and what they mean. `series`: one slice a file; `frames`: many in one.
- `segmentation`, `structures` with `contours`: what was painted elsewhere (SEG, RTSTRUCT).
- `writing`: a SEG of what was predicted.

pydicom reads what files say of themselves, ITK's GDCM decodes voxels, highdicom writes; all inside functions.
"""
