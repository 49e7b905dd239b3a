# docker build -t lbic .                                runs the networks on the CPU
# docker build --build-arg EXTRAS=gpu -t lbic:gpu .     and on an NVIDIA GPU: docker run --gpus all
# docker run --rm -v "$PWD:/pictures" --user "$(id -u):$(id -g)" lbic compress photo.png
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim-bookworm
# Extras of lbic, joined by commas: gpu, heif, jxl, metrics, plot, ray, tiff, train.
ARG EXTRAS=heif,jxl,tiff
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(echo /wheels/lbic-*.whl)${EXTRAS:+[${EXTRAS}]}" \
    && useradd --create-home --uid 1000 lbic
USER 1000
WORKDIR /pictures
ENTRYPOINT ["lbic"]
CMD ["--help"]
