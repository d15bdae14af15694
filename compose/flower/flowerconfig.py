"""Whom Flower's image shows what, in Flower's words."""

from pathlib import Path

basic_auth = [Path("/run/secrets/basic_auth").read_text().strip()]  # USER:PASSWORD, asked for by the browser
read_only = True
