"""Reads ScaledObjects as JSON from standard input and fails unless KEDA's types know all that they say.

It runs in an environment of its own: the package with the types brings a pytest plugin.
"""
# pyright: reportMissingImports=false, reportUnknownVariableType=false

import json
import sys

from cloudcoil.models.keda.v1alpha1 import ScaledObject

for given in json.load(sys.stdin):
    known = ScaledObject.model_validate(given).model_dump(mode="json", by_alias=True, exclude_unset=True)
    if known != given:
        sys.exit(f"KEDA knows only this much of {given['metadata']['name']}: {json.dumps(known, indent=2)}")
