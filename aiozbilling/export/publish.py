"""The last steps of an export: name the complete file, write its manifest, remove the temporary files."""

from __future__ import annotations

import errno
from pathlib import Path

from aiozbilling.errors import CheckpointError, ExportError
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk
from aiozbilling.export.manifest import ExportReport, manifest_in, write_manifest
from aiozbilling.export.part import digest

__all__ = ["left_unnamed", "publish", "refuse_foreign", "refuse_taken"]

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


def refuse_taken(disk: Disk, names: Names, *, overwrite: bool) -> None:
    """Refuse to overwrite a file, unless `overwrite` is true.

    Raises:
        ExportError: the file exists, and `overwrite` is false.
    """
    if overwrite or not disk.exists(names.final):
        return
    is_unfinished = disk.exists(names.checkpoint)  # another export of this name, which was to replace the file
    manifest = manifest_in(disk, names.manifest) if disk.exists(names.manifest) and not is_unfinished else None
    if manifest is None or not _is(disk, names.final, manifest.get("bytes"), manifest.get("sha256")):
        raise ExportError("the file exists", path=str(names.final), hint=_TAKEN)
    # The process that exported it may have been killed before it could say so.
    raise ExportError(
        f"the file exists and is a complete export: {manifest.get('rows')} rows, {manifest.get('finished_at')}",
        path=str(names.final),
        hint=_COMPLETE,
    )


def refuse_foreign(disk: Disk, names: Names, *, is_resumed: bool) -> None:
    """Refuse to use or replace files next to the export that are not ours.

    Raises:
        ExportError: a file that has one of our names belongs to another user, or was not written by an export.
    """
    for path in (names.part, names.ready, names.checkpoint, names.manifest, names.old_manifest):
        if disk.exists(path) and not disk.is_ours(path):
            raise ExportError("the file belongs to another user", path=str(path), hint=_MOVE)
    for path in (names.part, names.ready):
        if not is_resumed and disk.exists(path):
            raise ExportError("the name is taken by a file that is not part of an export", path=str(path), hint=_MOVE)
    for path in (names.manifest, names.old_manifest):
        if disk.exists(path) and manifest_in(disk, path) is None:
            raise ExportError("the file is not the manifest of an export", path=str(path), hint=_MOVE)


def left_unnamed(disk: Disk, names: Names, sealed: Checkpoint) -> Path | None:
    """Return the complete file that an earlier run left without its name, or None if it has its name.

    Raises:
        CheckpointError: the file is missing or was changed.
    """
    for path in (names.ready, names.part):
        if disk.exists(path) and _is(disk, path, sealed.size, sealed.sha256):
            return path
    if _is(disk, names.final, sealed.size, sealed.sha256):
        return None
    raise CheckpointError(
        "the complete file was removed or changed before it got its name",
        path=str(names.final),
        hint="Remove the files .part, .ready and .checkpoint next to it to start again",
    )


def publish(disk: Disk, names: Names, sealed: Checkpoint, unnamed: Path | None, *, overwrite: bool) -> ExportReport:
    """Rename a complete file to its final name, if it does not have it, and write its manifest.

    Raises:
        ExportError: another file has taken the name meanwhile. The complete file is kept.
    """
    if unnamed is not None:
        _name(disk, unnamed, names, overwrite=overwrite)
    report = ExportReport.of(names.final, sealed)
    write_manifest(disk, names, report, sealed.parameters)
    # The part file first: without a checkpoint, it would look like a foreign file.
    for path in (names.part, names.checkpoint):
        if disk.exists(path):
            disk.remove(path)
            disk.sync_folder(names.final.parent)
    return report


def _is(disk: Disk, path: Path, size: object, sha256: object) -> bool:
    return disk.size(path) == size and digest(disk, path) == (size, sha256)


def _name(disk: Disk, waiting: Path, names: Names, *, overwrite: bool) -> None:
    for manifest in (names.manifest, names.old_manifest):
        if disk.exists(manifest):  # the manifest of the replaced file: no manifest is better than a wrong one
            disk.remove(manifest)
            disk.sync_folder(names.final.parent)
    if overwrite:
        disk.replace(waiting, names.final)
    elif not _linked(disk, waiting, names):
        refuse_taken(disk, names, overwrite=False)
        disk.replace(waiting, names.final)
    disk.sync_folder(names.final.parent)


def _linked(disk: Disk, waiting: Path, names: Names) -> bool:
    """Name the file by a link, which fails if a file of that name appeared meanwhile; a rename would replace it."""
    try:
        disk.link(waiting, names.final)
    except FileExistsError:
        if not disk.same(waiting, names.final):
            raise ExportError(
                "a file of that name has appeared; the complete export is kept next to it",
                path=str(names.final),
                hint="Move that file to another folder and run the same export again, or overwrite it",
            ) from None
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    disk.sync_folder(names.final.parent)
    disk.remove(waiting)
    return True


_MOVE = "Move that file to another folder"
_COMPLETE = (
    "If it is the export that you want, nothing is left to do."
    " To export again, choose another name, or replace the file with overwrite=True"
)
_TAKEN = "Choose another name, or replace the file with overwrite=True"
