"""The engine over another container of the pod that speaks the OpenAI API."""
