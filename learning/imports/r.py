"""Models from R: the file that a script of clients/r wrote, taken in."""

from __future__ import annotations

from learning.imports.document import Ranger, read_document
from learning.imports.imported import Imported


def import_r(data: bytes) -> Imported:
    """Return the model of a document. Raises ModelFileError and EquivalenceError."""
    document = read_document(data)
    if isinstance(document.model, Ranger):
        from learning.imports.ranger import import_ranger

        return import_ranger(document, document.model)
    from learning.imports.glm import import_glm

    return import_glm(document, document.model)
