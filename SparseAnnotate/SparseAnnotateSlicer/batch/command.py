"""The command line on what Slicer loads: scenes are unpacked into files for it, and its result is put into a scene.

The commands themselves are those of `sparse-annotate`, unchanged. What they can read they read; of a scene, and of
files that only Slicer can read, they get a copy in a temporary folder: NRRD and .seg.nrrd keep voxels and grid.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import slicer
from SparseAnnotateLib import cli
from SparseAnnotateLib.cohort.model import load_configuration
from SparseAnnotateLib.errors import InputError

from ..scene import files
from ..scene.headless import headless_scene, inside_slicer
from ..scene.interpolator import use_slicers_interpolator
from ..session.node import SEGMENTATION, is_whole, session_nodes
from ..session.session import AnnotationSession
from .arguments import arguments_of, columns_of, is_typed
from .asked import AskedScenes
from .cases import SceneCase, axis_argument, cases_for_slicer, write_table

_SEGMENTATION_COMMANDS = ("predict", "suggest", "simulate")
# What sessions say of planes counts for these; for `evaluate` segmentations are references.
_OF_A_COHORT = (["cohort", "train"], ["cohort", "suggest"])
_ASKING = ["cohort", "suggest"]


def run(arguments: Sequence[str]) -> int:
    """Run one command of `sparse-annotate`.

    Returns
    -------
    int
        Its exit code: 0 if it did what was asked, 2 for input that cannot be used.
    """
    scene = slicer.mrmlScene if inside_slicer() else headless_scene().scene
    if inside_slicer() and importlib.util.find_spec("itk") is None:
        # Predictions run in this process, where Slicer has this filter of its own.
        use_slicers_interpolator()
    with contextlib.redirect_stderr(sys.stdout), tempfile.TemporaryDirectory(prefix="sparse-annotate-batch-") as folder:
        try:
            command = _Command(list(arguments), scene, Path(folder))
            code = cli.main(command.translated())
            if code == 0:
                command.deliver()
        except InputError as error:
            print(f"sparse-annotate: {error}")  # noqa: T201 - a console program
            return cli.WRONG_INPUT
        return code


class _Command:
    """One command line, its scenes replaced by files."""

    def __init__(self, arguments: list[str], scene, folder: Path):
        self._arguments, self._scene, self._folder = arguments, scene, folder
        self._loaded: dict[Path, list] = {}
        self._output: tuple[Path, Path] | None = None
        self._asked: AskedScenes | None = None

    def translated(self) -> list[str]:
        """The arguments for `sparse-annotate`."""
        if self._arguments[:1] == ["evaluate"] or self._arguments[:2] in _OF_A_COHORT:
            return self._with_cases_in_files()
        if not self._arguments or self._arguments[0] not in _SEGMENTATION_COMMANDS or not self._needs_slicer():
            return self._arguments
        given = cli.build_parser().parse_args(self._arguments)
        image = self._file_of(given.image, "vtkMRMLScalarVolumeNode", "image")
        labels_name = next((name for name in ("labels", "reference") if getattr(given, name, None)), None)
        labels = None
        if labels_name is not None:
            labels = self._file_of(getattr(given, labels_name), "vtkMRMLSegmentationNode", labels_name)
        replaced = self._replace(given, labels_name, image, labels)
        return [replaced[0], *self._from_session(given), *replaced[1:]]

    def _with_cases_in_files(self) -> list[str]:
        """Many cases in scenes: their volumes and segmentations as files, listed in a table.

        For `evaluate` the segmentations are references; for cohorts the table says what sessions say of planes.
        """
        given = cli.build_parser().parse_args(self._arguments)
        cases = cases_for_slicer(Path(given.data))
        if not cases:
            return self._arguments
        arguments, main_folder, of_a_cohort = list(self._arguments), self._folder, self._arguments[:2] in _OF_A_COHORT
        if self._arguments[:2] == _ASKING:
            scenes = [Path(case.image.partition(files.NODE_MARK)[0]) for case in cases]
            self._asked = AskedScenes(Path(given.output), scenes, load_configuration(given.model).configuration.axis)
        for number, case in enumerate(cases):
            self._folder = main_folder / str(number)
            self._folder.mkdir()
            case.image = self._file_of(case.image, "vtkMRMLScalarVolumeNode", "image")
            role = "labels" if of_a_cohort else "reference"
            case.labels = self._file_of(case.labels, "vtkMRMLSegmentationNode", role)
            if of_a_cohort:
                self._add_session(case)
            self._forget()
        self._folder = main_folder
        table = write_table(cases, main_folder / "cases.csv")
        arguments[arguments.index(given.data, 1)] = str(table)
        return [*arguments, *axis_argument(cases, given)]

    def _add_session(self, case: SceneCase) -> None:
        """What the session of a scene says of planes, where the table of cases does not."""
        nodes = self._session_nodes()
        if len(nodes) == 1:
            session = AnnotationSession.restore(nodes[0])
            said = columns_of(session)
            case.axis = session.state.axis
            session.close()
            if not any(case.others.get(name) for name in said):
                case.others |= said

    def _forget(self) -> None:
        """Take what was loaded out of the scene: a data set is larger than the memory."""
        for node in [node for loaded in self._loaded.values() for node in loaded]:
            if node is not None and node.GetScene() is not None:
                self._scene.RemoveNode(node)
        self._loaded = {}

    def _needs_slicer(self) -> bool:
        return any(files.is_for_slicer(Path(one.partition(files.NODE_MARK)[0])) for one in self._arguments[1:])

    def _replace(self, given, labels_name: str | None, image: str, labels: str | None) -> list[str]:
        """Options first, then the positions in their order: image and labels may be the same scene."""
        arguments = list(self._arguments)
        output = getattr(given, "output", None)
        if output is not None and files.is_scene(Path(output)):
            _replace_option(arguments, ("-o", "--output"), self._prepare_output(Path(output)))
        in_order = [(given.image, image)]
        if labels is not None and not _replace_option(arguments, ("--labels",), labels):
            in_order.append((getattr(given, labels_name), labels))
        start = 1
        for old, new in in_order:
            if old not in arguments[start:]:
                raise InputError(f"{old} is ambiguous here: give image and labels first")
            position = arguments.index(old, start)
            arguments[position], start = new, position + 1
        return arguments

    def _prepare_output(self, path: Path) -> str:
        result = self._folder / "result.seg.nrrd"
        self._output = (path, result)
        return str(result)

    def _file_of(self, argument: str, node_class: str, role: str) -> str:
        """A file that the library reads, for a scene or a file that only Slicer reads; else the argument itself."""
        path_text, _, name = argument.partition(files.NODE_MARK)
        path = Path(path_text)
        if not files.is_for_slicer(path):
            return argument
        node = self._node_of(path.absolute(), name, node_class)
        suffix = ".seg.nrrd" if node.IsA("vtkMRMLSegmentationNode") else ".nrrd"
        copy = self._folder / f"{role}{suffix}"
        if not files.write_copy(self._with_segments_of_session(node, only_given=role == "labels"), copy):
            raise InputError(f"{node.GetName()} of {path} cannot be written to {copy}: is the disk full?")
        return str(copy)

    def _with_segments_of_session(self, node, *, only_given: bool):
        """The node, or a copy of what counts: the segments that a session annotates, without what was accepted.

        Accepted planes are left out anyway, for they are not painted; around the user's own voxels they are not.
        """
        for session_node in self._session_nodes():
            if session_node.GetNodeReference(SEGMENTATION) is not node:
                continue
            session = AnnotationSession.restore(session_node)
            try:
                present, chosen = session.look(), session.state.segment_ids
                ours = (present.layers.labels > 0) & (present.given == 0)
                if chosen is not None or (only_given and ours.any()):
                    node = files.with_segments(node, session.segment_ids)
                if only_given and ours.any():
                    files.erase(node, session.volume_node, session.volume, ours)
            finally:
                session.close()
            return node
        return node

    def _session_nodes(self) -> list:
        """The sessions that were loaded and are whole."""
        there = session_nodes(self._scene)
        return [node for loaded in self._loaded.values() for node in loaded if node in there and is_whole(node)]

    def _node_of(self, path: Path, name: str, node_class: str):
        nodes = [node for node in self._load(path, node_class) if node.IsA(node_class)]
        sessions = [node for node in self._load(path, node_class) if node in session_nodes(self._scene)]
        nodes = [node for node in nodes if not node.GetName().endswith(" prediction")] or nodes
        if name:
            nodes = [node for node in nodes if node.GetName() == name]
        elif len(nodes) > 1 and len(sessions) == 1 and is_whole(sessions[0]):
            session = AnnotationSession.restore(sessions[0])
            nodes = [node for node in nodes if node in (session.volume_node, session.segmentation_node)]
            session.close()
        if len(nodes) != 1:
            kind = "volume" if "Volume" in node_class else "segmentation"
            found = ", ".join(node.GetName() for node in nodes) or "none"
            raise InputError(f"name one {kind} of {path.name} as {path.name}{files.NODE_MARK}NAME; there are: {found}")
        return nodes[0]

    def _load(self, path: Path, node_class: str) -> list:
        """The nodes that a file brought into the scene, loaded once."""
        if path not in self._loaded:
            before = set(_node_ids(self._scene))
            if files.is_scene(path):
                files.load_scene(self._scene, path)
            elif node_class == "vtkMRMLSegmentationNode":
                files.load_segmentation(self._scene, path)
            else:
                files.load_volume(self._scene, path)
            new = [node_id for node_id in _node_ids(self._scene) if node_id not in before]
            self._loaded[path] = [self._scene.GetNodeByID(node_id) for node_id in new]
        return self._loaded[path]

    def _from_session(self, given) -> list[str]:
        """What the session of the labels says and the arguments do not."""
        nodes = self._session_nodes()
        if len(nodes) != 1:
            return []
        session = AnnotationSession.restore(nodes[0])
        try:
            initial = self._initial(session, given)
            # Planes to correct are chosen without a selector: `suggest` refuses one beside --initial.
            return [*arguments_of(session, given, self._arguments, selects=not initial), *initial]
        finally:
            session.close()

    def _initial(self, session: AnnotationSession, given) -> list[str]:
        """What the session starts from, as a file; structures are told by their names there."""
        node = session.initial_node
        if node is None or not hasattr(given, "initial") or given.initial or getattr(given, "corrected", None):
            return []
        if hasattr(given, "selector"):
            typed = is_typed("--selector", self._arguments)
            if session.start_for(given.selector if typed else session.state.selector) is None:
                return []
        path = self._folder / "initial.seg.nrrd"
        if not files.write_copy(node, path):
            raise InputError(f"{node.GetName()} cannot be written to {path}: is the disk full?")
        return ["--initial", str(path)]

    def deliver(self) -> None:
        """Put the result into the scene, or suggestions into the sessions of the scenes, that were asked for."""
        if self._asked is not None:
            self._asked.deliver(self._scene)
        if self._output is None:
            return
        path, result = self._output
        node = files.load_segmentation(self._scene, result)
        node.SetName(f"{path.stem} result")
        files.save_scene(self._scene, path)


def _replace_option(arguments: list[str], names: tuple[str, ...], value: str) -> bool:
    """Give an option another value, written in one word or two; False where it is not given."""
    for position, argument in enumerate(arguments):
        name, equals, _ = argument.partition("=")
        if name in names:
            arguments[position : position + (1 if equals else 2)] = [f"{names[-1]}={value}"]
            return True
    return False


def _node_ids(scene) -> list[str]:
    return [scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())]
