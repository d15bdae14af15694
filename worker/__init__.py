"""Inference: takes messages, classifies their jobs in batches, writes the predictions."""
