# syntax=docker/dockerfile:1
# The router, its simulated engine and its tools in one image, for amd64 and arm64:
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/warmpath:0.1.0 --push .
#
# The base must have glibc 2.38 or newer, which uWebSockets.js asks for: Debian 13 (trixie) has 2.41.
# For a build that can be repeated to the byte, give the base by digest, as your registry shows it:
#   --build-arg NODE_IMAGE=node:22-trixie-slim@sha256:…
ARG NODE_IMAGE=node:22-trixie-slim

FROM ${NODE_IMAGE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN bash /src/deploy/image/build.sh /src /app

FROM ${NODE_IMAGE}
# npm and its relatives are not needed to run, and are most of what scanners find.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
 && groupadd --gid 10001 warmpath \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin warmpath
COPY --from=build /app /app
LABEL org.opencontainers.image.title="warmpath" \
      org.opencontainers.image.description="OpenAI-compatible router that sends every request to the vLLM engine that already holds its prompt in KV cache" \
      org.opencontainers.image.licenses="Apache-2.0"
# Inside a container loopback is nobody's: whoever publishes the port decides who reaches it.
ENV NODE_ENV=production WARMPATH_ADMIN_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s CMD ["node", "/app/healthcheck.mjs"]
ENTRYPOINT ["node", "/app/dist/src/main.js"]
CMD ["serve", "--config", "/etc/warmpath/warmpath.yaml"]
