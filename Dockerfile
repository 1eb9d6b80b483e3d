# One image for migrate, web and worker; see docker-compose.yml.
FROM python:3.13-slim-bookworm AS base
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app


FROM base AS build
# mysqlclient has no wheels. Debian's archive keeps no old versions that could be pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt ./
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY . .
# DATA_DIR gets a secret key of its own here, which stays behind in this stage.
RUN DATA_DIR=/tmp/data STATIC_ROOT=/srv/static python manage.py collectstatic --noinput --verbosity 0 \
 && python -m compileall -q . \
 && chmod -R a+rX /app /srv/static


FROM base AS runtime
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmariadb3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin clinic \
 && install -d -o clinic -g clinic -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /srv/static /srv/static
COPY --from=build /app /app
ENV HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    STATIC_ROOT=/srv/static
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s \
    CMD ["python", "-ISc", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gunicorn", "--config", "python:registration.gunicorn", "registration.wsgi"]


# Only for docker-compose.debug.yml.
FROM runtime AS debug
USER 0:0
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check debugpy==1.8.22
USER 10001:10001


# What is built unless another stage is asked for.
FROM runtime
