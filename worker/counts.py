"""What a worker counts for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # a time beside each count, of which nobody makes anything
REGISTRY = CollectorRegistry()
PREDICTIONS = Counter("quill_predictions", "Drawings answered, durably.", ["state", "model_version"], registry=REGISTRY)
STAGE_SECONDS = Histogram(
    "quill_stage_seconds",
    "How long a drawing was in each stage.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
BATCH_PICTURES = Histogram(
    "quill_batch_pictures",
    "Pictures in one model call.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
CONFIDENCE = Histogram(
    "quill_confidence",
    "How sure the model was of its answers.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1),
    registry=REGISTRY,
)
HELD_JOBS = Gauge("quill_held_jobs", "Drawings taken from the queue and not answered.", registry=REGISTRY)
REDELIVERIES = Counter("quill_redeliveries", "Drawings that came once more.", registry=REGISTRY)
DUPLICATES = Counter(
    "quill_duplicates", "Answers that changed nothing: their drawings had one already.", registry=REGISTRY
)
RESUBMISSIONS = Counter("quill_resubmissions", "Drawings that the sweeper submitted again.", registry=REGISTRY)
