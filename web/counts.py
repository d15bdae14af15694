"""What the web processes count for Prometheus; web.metrics shows it."""

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

disable_created_metrics()  # a time beside each count, of which nobody makes anything
REGISTRY = CollectorRegistry()
ACCEPTED = Counter("quill_accepted", "Drawings accepted, each promised an answer.", registry=REGISTRY)
REPEATS = Counter("quill_repeats", "Drawings sent again under their Idempotency-Key.", registry=REGISTRY)
CORRECTIONS = Counter("quill_corrections", "Labels given by persons.", registry=REGISTRY)
PROBLEMS = Counter("quill_problems", "Requests refused or failed, by kind of problem.", ["type"], registry=REGISTRY)
