"""Tells Schemathesis what a drawing is: its own bytes would only ever be refused."""

import schemathesis
from hypothesis import strategies

from tests.services.pngs import SEVEN, SEVEN_URL

schemathesis.openapi.media_type("image/png", strategies.just(SEVEN))
schemathesis.openapi.format("data-url", strategies.just(SEVEN_URL))
