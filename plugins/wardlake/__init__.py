"""Wardlake: a hospital data lakehouse, from source databases to published gold."""
