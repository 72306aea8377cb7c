# syntax=docker/dockerfile:1

FROM node:22-slim AS build
WORKDIR /toolgate
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# What sends traces and metrics is optional beside an npm installation; the image has it, in the versions of the lock file.
RUN npm run build && rm -r dist/tools && \
    npm pkg set $(node -p "Object.entries(require('./package.json').peerDependencies) \
      .filter(([name]) => name !== 'typescript').map((peer) => 'dependencies.' + peer.join('=')).join(' ')") && \
    npm pkg delete devDependencies && npm install

FROM node:22-slim
# An init as process 1: it takes over what a mounted server's processes leave behind, which Node itself cannot reap.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
# glibc keeps freed buffers of up to 32 MiB unless its bound is set (docs/limits.md).
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=131072 \
    TOOLGATE_LISTEN=0.0.0.0:7400 \
    TOOLGATE_HTTP_LISTEN=0.0.0.0:7480
WORKDIR /toolgate
COPY --from=build /toolgate/package.json /toolgate/LICENSE ./
COPY --from=build /toolgate/node_modules ./node_modules
COPY --from=build /toolgate/proto ./proto
COPY --from=build /toolgate/dist ./dist
RUN ln -s /toolgate/dist/cmd/toolgate.js /usr/local/bin/toolgate
USER node
EXPOSE 7400 7480
# Asks the node in this container, as its settings say where it listens and whether it speaks TLS; it needs no credential.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["toolgate", "health"]
# SIGTERM, which the init passes on, makes the node drain; it exits with 0 within TOOLGATE_DRAIN_GRACE_MS.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "toolgate"]
CMD ["serve"]
