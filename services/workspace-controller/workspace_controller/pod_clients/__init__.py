"""Calls to the services in pods: model-servers, downloads and tuning runs."""
