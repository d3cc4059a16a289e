# The service: docker build .
# The others:  docker build --target sagemaker|grpc|loans .
# What is installed is what Pipfile.lock pins, through the exported requirements.

# The newest Python that a stable Debian has: the tests build these images on one.
FROM python:3.13-slim AS base
# Logs at once, no bytecode written into a container's layer, the environment's programs first,
# and no reports from ONNX Runtime to its maker, which its Linux builds send unless told not to.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/venv/bin:/app/bin:$PATH
WORKDIR /app
# LightGBM loads it; a slim image has none. Debian keeps no version of it but the newest.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# Everything of pip's but the environment itself stays behind in these stages.
FROM base AS installed
RUN python -m venv /opt/venv
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM installed AS installed-grpc
COPY requirements-grpc.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements-grpc.txt

FROM installed AS installed-catboost
COPY requirements-catboost.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements-catboost.txt

# The code belongs to root: the service can write only where models, keys and jobs are kept.
FROM base AS code
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin mirante \
    && install --directory --owner mirante models keys var
# .dockerignore says what there is to copy. A checkout made under a strict umask is read as well.
COPY . .
RUN chmod -R a+rX .
USER 1000

# SageMaker runs `train` or `serve`, and says the rest in the environment.
FROM code AS sagemaker
COPY --from=installed /opt/venv /opt/venv
# The platform's folders belong to root, and it starts the container as whoever the image says.
# hadolint ignore=DL3002
USER 0
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      com.amazonaws.sagemaker.capabilities.multi-models=true
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck", "/ping"]
CMD ["serve"]

# The gRPC services: iris, and the Open Inference Protocol.
FROM code AS grpc
COPY --from=installed-grpc /opt/venv /opt/venv
ENV HOST=0.0.0.0
EXPOSE 50052
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck", "grpc"]
CMD ["python", "grpc_process.py"]

# Loans, whose runtime is CatBoost's, on the port that their clients know.
FROM code AS loans
COPY --from=installed-catboost /opt/venv /opt/venv
ENV HOST=0.0.0.0 PORT=8989 DEFAULT_MODEL=loans
EXPOSE 8989
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck", "/livez"]
CMD ["gunicorn", "app:asgi"]

# The service, last so that no target has to be named. Train with the same image:
# docker run ... python build_model.py
FROM code AS web
COPY --from=installed /opt/venv /opt/venv
ENV HOST=0.0.0.0 PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck", "/livez"]
CMD ["gunicorn", "app:asgi"]
