"""Settings that messages tell users to change, by both of their names.

Whoever reads a message of this process may have set its variables, or a Workspace whose pod has
them from the controller.
"""

from typing import Final

ENGINE: Final = "KAITO_ENGINE (of a Workspace: the annotation kaito.sh/runtime)"
ENGINE_MODEL: Final = "KAITO_ENGINE_MODEL (of a Workspace: the annotation kaito.sh/engine-model)"
MAX_MODEL_LEN: Final = "KAITO_MAX_MODEL_LEN (of a Workspace: max-model-len in its inference.config)"
