"""Measurements of the real filter in the real Envoy. `make figures` runs them."""
