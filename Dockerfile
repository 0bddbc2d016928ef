# For those who have a container daemon; without one, `cargo xtask image` writes the same images as archives (docs/images.md).
#
#   docker build -t milvus-operator:0.1.0 .                                  the operator, also the tool image of Milvus pods
#   docker build -t milvus-config-tool:0.1.0 --target config .               the config tool alone
#   docker build -t meta-migration:0.1.0 --target meta-migration .           the metadata migration
#
# What is in an image is said once, in xtask/src/image/table.rs; the stages below only copy it.
FROM rust:1.95-bookworm AS sources
WORKDIR /src
COPY . .

FROM sources AS build-config
RUN cargo xtask image config --rootfs /rootfs

FROM sources AS build-meta-migration
RUN cargo xtask image meta-migration --rootfs /rootfs

FROM sources AS build-operator
RUN cargo xtask image operator --rootfs /rootfs

FROM scratch AS config
COPY --from=build-config /rootfs/milvus-config-tool /
USER 65532:65532
ENTRYPOINT ["/milvus-config-tool"]

FROM scratch AS meta-migration
COPY --from=build-meta-migration /rootfs/meta-migration /
ENTRYPOINT ["/milvus/bin/meta-migration"]

FROM scratch AS operator
COPY --from=build-operator /rootfs/milvus-operator /
USER 65532:65532
ENTRYPOINT ["/milvus-operator"]
