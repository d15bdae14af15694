"""The agreement between web, worker and training."""
