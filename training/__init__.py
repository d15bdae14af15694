"""Trains and judges the model; the only place that reads data sets."""
