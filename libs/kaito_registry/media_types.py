"""The media types of what a tag can name."""

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
INDEX_TYPES = frozenset(
    {
        INDEX_TYPE,
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
# A registry answers 404 if it is none of the accepted types.
MANIFEST_TYPES = ", ".join(
    (MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json", *sorted(INDEX_TYPES))
)
