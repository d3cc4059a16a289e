from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class IrisPredictRequest(_message.Message):
    __slots__ = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    SEPAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    SEPAL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    PETAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PETAL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float
    def __init__(self, sepal_length: _Optional[float] = ..., sepal_width: _Optional[float] = ..., petal_length: _Optional[float] = ..., petal_width: _Optional[float] = ...) -> None: ...

class IrisPredictReply(_message.Message):
    __slots__ = ("species", "probabilities", "model_version", "class_name", "contributions", "baseline", "contributions_space", "contributions_class")
    SPECIES_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_SPACE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_CLASS_FIELD_NUMBER: _ClassVar[int]
    species: int
    probabilities: _containers.RepeatedScalarFieldContainer[float]
    model_version: str
    class_name: str
    contributions: _containers.RepeatedScalarFieldContainer[float]
    baseline: float
    contributions_space: str
    contributions_class: str
    def __init__(self, species: _Optional[int] = ..., probabilities: _Optional[_Iterable[float]] = ..., model_version: _Optional[str] = ..., class_name: _Optional[str] = ..., contributions: _Optional[_Iterable[float]] = ..., baseline: _Optional[float] = ..., contributions_space: _Optional[str] = ..., contributions_class: _Optional[str] = ...) -> None: ...
