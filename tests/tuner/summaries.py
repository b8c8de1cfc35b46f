"""A finished training, as the push phase finds it."""

from tuner.summary import TrainingSummary

SUMMARY = TrainingSummary(
    fingerprint="f",
    base_model="phi-3-tiny",
    method="lora",
    steps=12,
    epochs=1.5,
    loss=0.25,
    tokens=1000,
    seconds=60.0,
    finished_at="2026-01-02T03:04:05+00:00",
    dataset_digest="sha256:da",
    dataset_rows=24,
    config_digest="sha256:co",
)
