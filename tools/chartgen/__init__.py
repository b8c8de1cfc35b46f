"""Generates the charts' values.schema.json from their commented values.yaml."""
