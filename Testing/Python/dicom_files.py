"""DICOM scans and structure sets for the tests, written by pydicom with what the standard asks for."""

import numpy as np
import pydicom
from image_files import IDENTITY
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def item(**values):
    """A dataset of attributes by their keywords."""
    dataset = pydicom.Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def _uid(*words):
    return generate_uid(entropy_srcs=[str(word) for word in words])


def _common(sop_class, series, modality):
    return item(
        SOPClassUID=sop_class,
        StudyInstanceUID=_uid("study"),
        SeriesInstanceUID=_uid("series", series),
        FrameOfReferenceUID=_uid("frame of reference", series),
        Modality=modality,
        PatientName="Doe^Jane",
        PatientID="17",
        PatientBirthDate="19700101",
        PatientSex="F",
        StudyDate="20260101",
        StudyTime="120000",
        StudyID="1",
        AccessionNumber="2",
        ReferringPhysicianName="",
        SeriesNumber=3,
        SeriesDescription=f"series {series}",
        Manufacturer="maker",
        PositionReferenceIndicator="",
    )


def _pixels(dataset, array):
    dataset.update(
        item(
            Rows=array.shape[-2],
            Columns=array.shape[-1],
            SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2",
            BitsAllocated=16,
            BitsStored=16,
            HighBit=15,
            PixelRepresentation=1,
        )
    )
    dataset.add_new("PixelData", "OW", np.ascontiguousarray(array, "<i2").tobytes())
    return dataset


def save(path, dataset):
    """Write with the header that files have."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if int(pydicom.__version__.partition(".")[0]) < 3:
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        pydicom.dcmwrite(path, dataset, write_like_original=False)
    else:
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def positions(count, direction=IDENTITY, spacing=(0.5, 0.75, 2.5), origin=(-12.5, 30.0, 7.5)):
    """Where each plane begins, in mm."""
    return [np.array(origin) + number * spacing[2] * np.asarray(direction)[:, 2] for number in range(count)]


def slice_of(array, number, position, direction=IDENTITY, spacing=(0.5, 0.75, 2.5), series="1"):
    """One slice of a CT series."""
    dataset = _common(CT, series, "CT")
    dataset.update(
        item(
            SOPInstanceUID=_uid("instance", series, number),
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            InstanceNumber=number + 1,
            ImagePositionPatient=[round(float(value), 6) for value in position],
            ImageOrientationPatient=[round(float(value), 8) for value in np.asarray(direction)[:, :2].T.ravel()],
            PixelSpacing=[spacing[1], spacing[0]],
            SliceThickness=spacing[2],
            RescaleSlope=1,
            RescaleIntercept=0,
            KVP=120,
            AcquisitionNumber=1,
        )
    )
    return _pixels(dataset, array[number])


def write_series(folder, array, *, reverse=False, series="1", **place):
    """A CT series; with `reverse` the numbers and the names of its files run against the places."""
    folder.mkdir(exist_ok=True)
    for number, position in enumerate(positions(len(array), **place)):
        dataset = slice_of(array, number, position, place.get("direction", IDENTITY), series=series)
        dataset.InstanceNumber = len(array) - number if reverse else number + 1
        save(folder / f"IM{dataset.InstanceNumber:04d}.dcm", dataset)
    return folder


def write_enhanced(path, array, *, order=None, direction=IDENTITY, factors=None, series="1"):
    """An enhanced CT of many frames, stored in `order` of the planes, each with its own (slope, intercept) if given."""
    order = range(len(array)) if order is None else order
    places = positions(len(array), direction)
    dataset = _common(ENHANCED_CT, series, "CT")
    frames = []
    for number, plane in enumerate(order):
        slope, intercept = (1, 0) if factors is None else factors[number]
        frames.append(
            item(
                FrameContentSequence=[item(StackID="1", InStackPositionNumber=plane + 1, DimensionIndexValues=[1])],
                PlanePositionSequence=[item(ImagePositionPatient=[round(float(v), 6) for v in places[plane]])],
                PixelValueTransformationSequence=[
                    item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
                ],
            )
        )
    orientation = [round(float(value), 8) for value in np.asarray(direction)[:, :2].T.ravel()]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=orientation)],
        PixelMeasuresSequence=[item(PixelSpacing=[0.75, 0.5], SliceThickness=2.5)],
    )
    dataset.update(
        item(
            SOPInstanceUID=_uid("instance", series, "all"),
            ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
            InstanceNumber=1,
            NumberOfFrames=len(array),
            SharedFunctionalGroupsSequence=Sequence([shared]),
            PerFrameFunctionalGroupsSequence=Sequence(frames),
        )
    )
    return save(path, _pixels(dataset, np.asarray(array)[list(order)]))


def write_structure_set(path, structures, *, series="1", kind="CLOSED_PLANAR"):
    """An RTSTRUCT; `structures` are contours, each an array of points (n, 3) in mm, by name."""
    dataset = _common(STRUCTURE_SET, series, "RTSTRUCT")
    reference = dataset.FrameOfReferenceUID
    rois, drawn = [], []
    for number, (name, contours) in enumerate(structures.items(), start=1):
        rois.append(item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=reference))
        points = [[f"{value:.4f}" for value in np.ravel(contour)] for contour in contours]
        items = [
            item(ContourGeometricType=kind, NumberOfContourPoints=len(one) // 3, ContourData=one) for one in points
        ]
        drawn.append(item(ReferencedROINumber=number, ROIDisplayColor=[255, 0, 51], ContourSequence=items))
    dataset.update(
        item(
            SOPInstanceUID=_uid("structures"),
            StructureSetLabel="structures",
            StructureSetROISequence=rois,
            ROIContourSequence=drawn,
        )
    )
    return save(path, dataset)


def segmentation(highdicom, folder, masks, **options):
    """A SEG that highdicom writes; masks (planes, rows, columns, segments) may overlap."""
    sources = sorted((pydicom.dcmread(file) for file in folder.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    planes = options.pop("planes", range(len(sources)))
    sources = [sources[plane] for plane in planes]
    tissue = pydicom.sr.codedict.codes.SCT.Tissue
    described = [
        highdicom.seg.SegmentDescription(
            number, f"structure {number}", tissue, tissue, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number in range(1, masks.shape[-1] + 1)
    ]
    options = {"segmentation_type": "BINARY", "omit_empty_frames": True, **options}
    return highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=masks[list(planes)],
        segment_descriptions=described,
        series_instance_uid="1.2.3",
        series_number=1,
        sop_instance_uid="1.2.3.4",
        instance_number=1,
        manufacturer="maker",
        manufacturer_model_name="model",
        software_versions="1",
        device_serial_number="1",
        **options,
    )
