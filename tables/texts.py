"""A long column of texts, kept by PyArrow: an eighth of the memory of Python's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pyarrow as pa


class Texts(Sequence[str]):
    """A column of texts; an empty one is a cell without a value, which `array` has as null."""

    def __init__(self, array: pa.ChunkedArray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [text or "" for text in self.array[index].to_pylist()]
        return self.array[index].as_py() or ""

    def __iter__(self) -> Iterator[str]:
        for chunk in self.array.chunks:
            yield from (text or "" for text in chunk.to_pylist())

    def take(self, indices: Sequence[int]) -> Texts:
        """Return the texts of these indices."""
        return Texts(self.array.take(list(indices)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def texts_of(cells: Sequence[Any]) -> Texts:
    """Return texts, None among them, as a column."""
    import pyarrow as pa

    return Texts(pa.chunked_array([pa.array([cell or None for cell in cells], pa.string())]))
