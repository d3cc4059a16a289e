# One image a target: docker build --target web|sagemaker|grpc|loans .
# What is installed is what Pipfile.lock pins, through the exported requirements.

FROM python:3.11-slim AS base
# Logs at once, no bytecode written into a container's layer, and the environment's programs first.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/venv/bin:/app/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app

# pip and its caches stay behind in this stage.
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
COPY tables tables
COPY learning learning
COPY persistence persistence
COPY jobs jobs
COPY recipes recipes
COPY data data
COPY serving serving
COPY bin bin
COPY app.py build_model.py config.py errors.py first_model.py grpc_process.py gunicorn.conf.py \
     import_model.py policy.py test_model.py worker.py ./
USER 1000

# The service. Train with the same image: docker run ... python build_model.py
FROM code AS web
COPY --from=installed /opt/venv /opt/venv
ENV HOST=0.0.0.0 PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["healthcheck", "/livez"]
CMD ["gunicorn", "app:asgi"]

# SageMaker runs `train` or `serve`, and says the rest in the environment.
FROM code AS sagemaker
COPY --from=installed /opt/venv /opt/venv
# The platform's folders belong to root, and it starts the container as whoever the image says.
# hadolint ignore=DL3002
USER 0
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      com.amazonaws.sagemaker.capabilities.multi-models=true
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["healthcheck", "/ping"]
CMD ["serve"]

# The gRPC services: iris, and the Open Inference Protocol.
FROM code AS grpc
COPY --from=installed-grpc /opt/venv /opt/venv
ENV HOST=0.0.0.0
EXPOSE 50052
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["healthcheck", "grpc"]
CMD ["python", "grpc_process.py"]

# Loans, whose runtime is CatBoost's, on the port that their clients know.
FROM code AS loans
COPY --from=installed-catboost /opt/venv /opt/venv
ENV HOST=0.0.0.0 PORT=8989 DEFAULT_MODEL=loans
EXPOSE 8989
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["healthcheck", "/livez"]
CMD ["gunicorn", "app:asgi"]
