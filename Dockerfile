# syntax=docker/dockerfile:1
# Two images from one file: `--target cpu` (the default) and `--target gpu`. Neither has torch.
# The build runs the Makefile's own targets; the process runs as user 10001 on a read-only root.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG CUDA_IMAGE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04

# ---- build: a virtual environment with the wheel of this tree ---------------------------------
FROM ${PYTHON_IMAGE} AS build-cpu
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /opt/posealign
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip make venv-wheel ACCEL=cpu

FROM ${CUDA_IMAGE} AS build-gpu
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /opt/posealign
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends make python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip make venv-wheel ACCEL=gpu

# ---- run: the environment, the libraries OpenCV wants, and nothing else -----------------------
FROM ${CUDA_IMAGE} AS gpu
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0t64 python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin posealign
COPY --from=build-gpu /opt/posealign/.venv /opt/posealign/.venv
ENV PATH=/opt/posealign/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    POSEALIGN_SERVE_KEY_FILE=/run/secrets/posealign-key
WORKDIR /tmp
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python3", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
ENTRYPOINT ["posealign"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM ${PYTHON_IMAGE} AS cpu
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin posealign
COPY --from=build-cpu /opt/posealign/.venv /opt/posealign/.venv
ENV PATH=/opt/posealign/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    POSEALIGN_SERVE_KEY_FILE=/run/secrets/posealign-key
WORKDIR /tmp
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python3", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
ENTRYPOINT ["posealign"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
