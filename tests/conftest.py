"""Makes the plain forms in `reference/` importable by every test, as `from reference import ...`."""
