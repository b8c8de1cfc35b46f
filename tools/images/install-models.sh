#!/bin/sh
# Installs packages of the models' images into /app/venv, at the lock's versions and hashes:
#   TORCH=cpu|cuda sh install-models.sh common|tuner|model-server
# `common` is what both images want; it makes the environment. Runs inside the build, with uv in
# /opt/uv and its wheels in /cache/uv.
set -e
cd "$(dirname "$0")"
export UV_CACHE_DIR=/cache/uv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
# Nothing changes below a read-only root: byte code is trusted without a look at its source.
export PYC_INVALIDATION_MODE=UNCHECKED_HASH

: > excludes.txt
if [ "$TORCH" = cpu ]; then
  python3 -B -c "from cpu_torch.requirements import GPU_ONLY; print(*sorted(GPU_ONLY), sep='\n')" \
    > excludes.txt
fi
if [ "$1" = common ]; then
  grep -xFf tuner.txt model-server.txt | grep -v '^#' > common.txt
  # torch is not even imported without these two, which are small.
  [ "$TORCH" != cpu ] || printf '%s\n' nvidia-cuda-cupti nvidia-cuda-runtime >> common.txt
  python3 -m venv --without-pip /app/venv
  # The same path whatever the base image's Python, for COPY.
  ln -s "$(ls /app/venv/lib)" /app/venv/lib/python
fi
/opt/uv/bin/uv pip install -q -p /app/venv/bin/python -r "$1.txt" -c models.lock \
  --excludes excludes.txt
