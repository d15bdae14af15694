"""The benchmark: Quill and its peers on one machine, with the same model, the same drawings and the same client."""
