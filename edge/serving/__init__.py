"""Readings, where they are used: a live page, HTTP, MQTT."""
