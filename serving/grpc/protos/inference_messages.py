"""The Open Inference Protocol's gRPC service, github.com/kserve/open-inference-protocol."""

from __future__ import annotations

from serving.grpc.protos.proto import Field, Message, Method, Proto

_CALLS = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
)
_PARAMETERS = "InferParameter"
_CONTENTS = "InferTensorContents"

_NAMED = (Field("string", "name", 1), Field("string", "version", 2))
_TENSOR = (
    Field("string", "name", 1),
    Field("string", "datatype", 2),
    Field("int64", "shape", 3, "repeated"),
)
_VALUES = (
    *_TENSOR,
    Field(_PARAMETERS, "parameters", 4, "map"),
    Field(_CONTENTS, "contents", 5),
)
_MODEL = (
    Field("string", "model_name", 1),
    Field("string", "model_version", 2),
    Field("string", "id", 3),
    Field(_PARAMETERS, "parameters", 4, "map"),
)

PROTO = Proto(
    file="open_inference.proto",
    package="inference",
    service="GRPCInferenceService",
    methods=tuple(Method(call, f"{call}Request", f"{call}Response") for call in _CALLS),
    messages=(
        Message("ServerLiveRequest"),
        Message("ServerLiveResponse", (Field("bool", "live", 1),)),
        Message("ServerReadyRequest"),
        Message("ServerReadyResponse", (Field("bool", "ready", 1),)),
        Message("ModelReadyRequest", _NAMED),
        Message("ModelReadyResponse", (Field("bool", "ready", 1),)),
        Message("ServerMetadataRequest"),
        Message("ServerMetadataResponse", (*_NAMED, Field("string", "extensions", 3, "repeated"))),
        Message("ModelMetadataRequest", _NAMED),
        Message(
            "ModelMetadataResponse",
            (
                Field("string", "name", 1),
                Field("string", "versions", 2, "repeated"),
                Field("string", "platform", 3),
                Field("TensorMetadata", "inputs", 4, "repeated"),
                Field("TensorMetadata", "outputs", 5, "repeated"),
            ),
            (Message("TensorMetadata", _TENSOR),),
        ),
        Message(
            "ModelInferRequest",
            (
                *_MODEL,
                Field("InferInputTensor", "inputs", 5, "repeated"),
                Field("InferRequestedOutputTensor", "outputs", 6, "repeated"),
                Field("bytes", "raw_input_contents", 7, "repeated"),
            ),
            (
                Message("InferInputTensor", _VALUES),
                Message(
                    "InferRequestedOutputTensor",
                    (Field("string", "name", 1), Field(_PARAMETERS, "parameters", 2, "map")),
                ),
            ),
        ),
        Message(
            "ModelInferResponse",
            (
                *_MODEL,
                Field("InferOutputTensor", "outputs", 5, "repeated"),
                Field("bytes", "raw_output_contents", 6, "repeated"),
            ),
            (Message("InferOutputTensor", _VALUES),),
        ),
        Message(
            _PARAMETERS,
            (
                Field("bool", "bool_param", 1),
                Field("int64", "int64_param", 2),
                Field("string", "string_param", 3),
                Field("double", "double_param", 4),
                Field("uint64", "uint64_param", 5),
            ),
            oneof="parameter_choice",
        ),
        Message(
            _CONTENTS,
            (
                Field("bool", "bool_contents", 1, "repeated"),
                Field("int32", "int_contents", 2, "repeated"),
                Field("int64", "int64_contents", 3, "repeated"),
                Field("uint32", "uint_contents", 4, "repeated"),
                Field("uint64", "uint64_contents", 5, "repeated"),
                Field("float", "fp32_contents", 6, "repeated"),
                Field("double", "fp64_contents", 7, "repeated"),
                Field("bytes", "bytes_contents", 8, "repeated"),
            ),
        ),
    ),
)
