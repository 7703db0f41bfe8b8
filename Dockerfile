# dji-ota in a container:
#   docker build -t dji-ota .
#   docker run --rm -it -v "$PWD:/work" -v dji-ota:/data dji-ota push manifest.json --pid 7CTXN4A00B0001
# For reproducible builds, pin both stages to a digest: node:24-slim@sha256:...
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY bin ./bin
COPY scripts ./scripts
COPY src ./src
RUN npm run build

FROM node:24-slim
COPY --from=build /src/package.json /opt/dji-ota/
COPY --from=build /src/bin /opt/dji-ota/bin
COPY --from=build /src/dist /opt/dji-ota/dist
COPY LICENSE /opt/dji-ota/
# The files that `dji-ota push --simulate` uses if no manifest is given.
COPY examples /opt/dji-ota/examples
RUN ln -s /opt/dji-ota/bin/dji-ota.js /usr/local/bin/dji-ota \
    && mkdir -p /data /work \
    && chown node:node /data /work
# `dji-ota resume` needs the run journals: keep them on a volume.
ENV DJI_OTA_HOME=/data
VOLUME /data
WORKDIR /work
USER node
ENTRYPOINT ["dji-ota"]
CMD ["--help"]
