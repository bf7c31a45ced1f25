# One image for every part: web, workers and beat differ only in their command (compose.yaml).
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 VAR_DIR=/app/var
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# The state folder holds the senders' journal: keep it on a volume that outlives the container.
# Static files are served from where they lie (WhiteNoise), so there is nothing to collect.
RUN useradd --system newsroom && mkdir -p /app/var && chown newsroom /app/var
USER newsroom
VOLUME /app/var
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket"]
