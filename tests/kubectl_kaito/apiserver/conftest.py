"""A real API server without nodes; see tests/workspace_controller/apiserver."""

from tests.workspace_controller.apiserver.conftest import api, pytest_collection_modifyitems

__all__ = ["api", "pytest_collection_modifyitems"]
