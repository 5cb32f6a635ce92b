# Two stages: what installs stays behind, what runs has neither build tools nor root.
# The digest is that of the image for all platforms behind the tag: a tag may move, a digest cannot.
FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7 AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# requirements-avro.lock has the client of a Schema Registry too, requirements-msk.lock also the signer of Amazon MSK.
ARG REQUIREMENTS=requirements.lock
RUN python -m venv /opt/offerstream
COPY requirements.lock requirements-avro.lock requirements-msk.lock ./
RUN /opt/offerstream/bin/python -m pip install --require-hashes --only-binary :all: -r "$REQUIREMENTS"
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY operators operators
COPY flows flows
RUN /opt/offerstream/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/offerstream/bin/python -m pip uninstall --yes setuptools pip

FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7
RUN groupadd --gid 10001 offerstream \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin offerstream \
    && install --directory --owner 10001 --group 10001 /state
COPY --from=build /opt/offerstream /opt/offerstream
ENV PATH=/opt/offerstream/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# In numbers, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/livez', timeout=4)"]
ENTRYPOINT ["offerstream"]
CMD ["--help"]
