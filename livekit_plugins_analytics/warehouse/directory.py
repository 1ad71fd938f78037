"""Records in a local directory."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from .objects import Folder, LakeError, Object
from .problem import Problem


class Directory:
    """Files below a folder, or one file."""

    def __init__(self, root: Path) -> None:
        self._single = root.name if root.is_file() else None
        self._root = root.parent if self._single else root
        self.path = str(root)

    def look(self, folder: str, deep: bool) -> Folder:
        """See `Source.look`; never deep: the disk does not mind."""
        found = Folder()
        try:
            with os.scandir(self._root / folder) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    self._take(entry, folder, found)
        except OSError as error:
            if not folder:
                raise LakeError(f"{self.path}: {error.strerror or type(error).__name__}") from None
            found.problems.append(Problem(folder, None, f"cannot be listed ({error.strerror})"))
        return found

    def _take(self, entry: os.DirEntry[str], folder: str, found: Folder) -> None:
        name = folder + entry.name
        if self._single not in (None, entry.name):
            return
        if entry.is_dir():
            if not entry.is_symlink():  # a link upwards would never end
                found.folders.append(name + "/")
        elif entry.is_file():
            state = entry.stat()
            written = datetime.fromtimestamp(state.st_mtime, timezone.utc)
            found.objects.append(Object(name, state.st_size, written))

    def read(self, name: str) -> tuple[bytes, str | None]:
        """See `Source.read`."""
        try:
            return (self._root / name).read_bytes(), None
        except OSError as error:
            raise LakeError(f"cannot be read ({error.strerror or type(error).__name__})") from None

    def save(self, name: str, file: BinaryIO) -> int:
        """See `Source.save`."""
        try:
            with open(self._root / name, "rb") as original:
                shutil.copyfileobj(original, file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LakeError(f"cannot be copied ({reason})") from None
        return file.tell()

    def local(self, name: str) -> Path:
        """The file itself."""
        return self._root / name
