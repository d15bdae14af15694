"""The stack as Docker runs it, and all files that describe how Quill is deployed: `make test-compose`."""
