"""Configuration: the only reader of the environment.

Every setting is a field below: its environment variable is the field's name
in upper case, its default is the field's, its bounds are in its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from errors import ConfigError
from policy import Name

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
# A path of a route; none has a part that varies.
RoutePath = Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~:-]+)*$")]

MEBIBYTE = 1024 * 1024
# MODEL_STORE's word for the database of DATABASE_URL: a platform that changes its credentials
# changes that variable alone.
DATABASE = "database"
LOG = "PREDICTION_LOG"
SECRETS = frozenset(
    {
        "api_keys",
        "signing_key",
        "database_url",
        "model_store",
        "aws_secret_access_key",
        "prediction_log",
        "prediction_log_key",
    }
)


class Config(msgspec.Struct, frozen=True, rename=str.upper, kw_only=True):
    """What can be set, with its default. Sizes are in bytes, times in seconds."""

    # Where models are kept, which one answers /v0/predict, which are loaded (none named: all).
    model_store: str = "models"
    default_model: Name = "credit"
    models: tuple[Name, ...] = ()
    # A folder that models are loaded from by name, as SageMaker's multi-model containers do it.
    models_folder: str = ""
    # 0: nothing is loaded or unloaded by a request.
    model_loading: bool = True
    poll_seconds: Seconds = 2.0

    # Limits, each checked before the work it would cause.
    max_body_bytes: Positive = 16 * MEBIBYTE
    max_rows: Positive = 100_000
    body_timeout: Seconds = 30.0
    max_in_flight: Positive = 64
    # Of one worker. With what it opens else, it stays below the 1,024 files of a usual process.
    max_connections: Positive = 800

    # Who may ask.
    cors_origins: tuple[str, ...] = ("*",)
    require_api_key: bool = False
    api_keys: tuple[str, ...] = ()
    api_keys_file: str = "var/api_keys"

    # What is written down.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log_sample: Fraction = 0.01

    # The prediction log: a folder, s3://bucket/prefix or database; off where nothing is named.
    # SAMPLE is the share of the requests, DAYS and MB are how much is kept, and SPOOL is the
    # folder on this disk, of at most SPOOL_MB, that it is written to before it is archived.
    # KEY hashes what a recipe wants hashed.
    prediction_log: str = ""
    prediction_log_sample: Fraction = 1.0
    prediction_log_days: Positive = 30
    prediction_log_mb: Positive = 1024
    prediction_log_spool: str = ""
    prediction_log_spool_mb: Positive = 256
    prediction_log_key: str = ""
    # How often the newest rows are put into a bucket or the database: what a dyno that ends with
    # its disk may lose.
    prediction_log_seconds: Positive = 60
    # Whether the log has the challenger's answers too.
    shadow: bool = False
    # How often the worker looks at drift.
    drift_seconds: Positive = 3600

    # The folder through which the workers share their counts; gunicorn.conf.py makes one.
    prometheus_multiproc_dir: str = ""

    # Spans, by OpenTelemetry's own variables: its library reads the others. Any text is taken,
    # as none of them ends the process; serving/tracing.py says which are understood.
    otel_sdk_disabled: str = ""
    otel_traces_exporter: str = ""
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    otel_exporter_otlp_protocol: str = ""
    otel_exporter_otlp_traces_protocol: str = ""

    # The dyno's name, which the platform sets.
    dyno: str = ""

    # Artifacts are signed; without keys given here a pair is kept in the key folder,
    # which is beside the model store unless it is named.
    signing_key: str = ""
    trusted_keys: tuple[str, ...] = ()
    key_folder: str = ""
    aws_endpoint_url: str = ""
    aws_region: str = ""
    aws_access_key_id: str = ""
    aws_secret_access_key: str = ""

    # Where gunicorn listens, and in how many processes; 0 is any port that is free.
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    # Two: while one loads a new champion or is started again, the other answers; more do not fit
    # into 512 MB beside a training worker. https://devcenter.heroku.com/articles/python-concurrency
    web_concurrency: Positive = 2

    # Vertex AI sets these in a container: where it asks, and where it expects an answer.
    # https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
    aip_http_port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    aip_health_route: RoutePath = ""
    aip_predict_route: RoutePath = ""

    # The gRPC process; a certificate and its key (PEM files) make it speak TLS.
    host: str = "127.0.0.1"
    grpc_port: Annotated[int, Meta(ge=1, le=65535)] = 50052
    grpc_threads: Positive = 4
    grpc_certificate: str = ""
    grpc_private_key: str = ""

    # Training over HTTP.
    database_url: str = "sqlite:///var/mirante.db"
    training_worker: Literal["embedded", "external"] = "embedded"
    max_queued_jobs: Positive = 20
    max_upload_bytes: Positive = 64 * MEBIBYTE
    job_time_limit: Seconds = 3600.0
    # Not set: what is left when a job begins (jobs/memory.py).
    job_memory_limit: Positive | None = None
    job_lease_seconds: Seconds = 60.0
    # Folders and s3://bucket/prefix that scorings over HTTP may read tables from and write to.
    score_roots: tuple[str, ...] = ()

    @property
    def http_port(self) -> int:
        """Where gunicorn listens: on the platform's port, if there is one."""
        return self.aip_http_port or self.port

    @property
    def store_address(self) -> str:
        """Where models are kept: a folder, or an address."""
        return self.database_url if self.model_store == DATABASE else self.model_store

    @property
    def tracing(self) -> dict[str, str]:
        """The settings that `serving.tracing.tracing_of` takes."""
        return {
            "disabled": self.otel_sdk_disabled,
            "exporters": self.otel_traces_exporter,
            "endpoint": self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint,
            "protocol": self.otel_exporter_otlp_traces_protocol or self.otel_exporter_otlp_protocol,
        }

    @property
    def log_address(self) -> str:
        """Where the prediction log is kept: a folder, an address, or nothing."""
        return self.database_url if self.prediction_log == DATABASE else self.prediction_log

    @property
    def store_options(self) -> dict[str, str]:
        """The settings of an S3 client that are set."""
        s3 = {
            "endpoint": self.aws_endpoint_url,
            "region": self.aws_region,
            "access_key_id": self.aws_access_key_id,
            "secret_access_key": self.aws_secret_access_key,
        }
        return {name: value for name, value in s3.items() if value}

    @property
    def following(self) -> dict[str, Any]:
        """The settings that `serving.champions.Champions` takes."""
        return {
            "names": self.models,
            "poll_seconds": self.poll_seconds,
            "keeps_words": bool(self.prediction_log),
        }

    @property
    def registry(self) -> dict[str, Any]:
        """The settings that `persistence.opening.open_registry` takes."""
        return {
            "model_store": self.store_address,
            "key_folder": self.key_folder,
            "signing_key": self.signing_key,
            "trusted_keys": self.trusted_keys,
            "store_options": self.store_options,
        }

    def __repr__(self) -> str:
        shown = (
            f"{name}={'<secret>' if name in SECRETS else repr(getattr(self, name))}"
            for name in self.__struct_fields__
        )
        return f"Config({', '.join(shown)})"


_LISTS = {"MODELS", "SCORE_ROOTS", "CORS_ORIGINS", "API_KEYS", "TRUSTED_KEYS"}
_FIELDS = {field.encode_name: field for field in msgspec.structs.fields(Config)}


def read_config(environ: Mapping[str, str]) -> Config:
    """Read the configuration from environment variables (or any mapping of strings).

    A variable that is unset or empty leaves the default. Raises ConfigError with
    one line that names the variable and what it accepts, never its value.
    """
    given = {name: environ[name] for name in _FIELDS if environ.get(name)}
    values: dict[str, Any] = {n: _split(v) if n in _LISTS else v for n, v in given.items()}
    for name, value in values.items():
        _check_expanded(name, given[name])
        try:
            msgspec.convert(value, _FIELDS[name].type, strict=False)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{name}: {_expected(_FIELDS[name].type, error)}") from None
    config = msgspec.convert(values, Config, strict=False)
    for name, place in (("MODEL_STORE", config.model_store), (LOG, config.prediction_log)):
        if place == DATABASE and not config.database_url.startswith("postgres"):
            raise ConfigError(
                f"{name}: database is that of DATABASE_URL, expected to be postgres://…; "
                "on Heroku: heroku addons:create heroku-postgresql"
            )
    return config


def _check_expanded(name: str, value: str) -> None:
    if value.startswith("$") and not name.startswith("OTEL_"):
        hint = "; MODEL_STORE=database is the database of DATABASE_URL"
        raise ConfigError(
            f"{name}: begins with $, and variables are not expanded here: expected the value itself"
            + (hint if name == "MODEL_STORE" else "")
        )


def _expected(kind: Any, error: msgspec.ValidationError) -> str:
    if get_origin(kind) is Literal:
        return "expected one of " + ", ".join(get_args(kind))
    # Only the half that msgspec says of the type: the other may show the value.
    expected = str(error).split(" - at ")[0].split(", got")[0].replace("`", "")
    return expected[0].lower() + expected[1:]


def _split(value: str) -> list[str]:
    # A file with one a line may be given whole.
    return [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]
