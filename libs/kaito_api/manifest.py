"""What the types of all resources are made of."""

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

# Part of a Kubernetes type that is passed on unchanged (PodTemplateSpec, VolumeSource, …).
Opaque = dict[str, JsonValue]


class Model(BaseModel):
    """camelCase in manifests, snake_case here. The API server prunes unknown keys."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)
