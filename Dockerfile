# Two stages: wheels are built where there is a compiler, and run where there is none.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/telehealth \
 && /opt/telehealth/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY telehealth telehealth
COPY templates templates
COPY static static
RUN /opt/telehealth/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/telehealth --create-home telehealth
COPY --from=build /opt/telehealth /opt/telehealth
USER telehealth
WORKDIR /var/lib/telehealth
ENV PATH=/opt/telehealth/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TELEHEALTH_DATA_DIR=/var/lib/telehealth \
    TELEHEALTH_HTTP_HOST=0.0.0.0 \
    TELEHEALTH_MEDIA_HOST=0.0.0.0
EXPOSE 8080/tcp 40000/udp 40000/tcp
VOLUME /var/lib/telehealth
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["telehealth"]
CMD ["serve"]
