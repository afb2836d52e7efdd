"""The process that a Slipway server runs a Python model in. docs/reference/python-worker.md has its protocol."""
