"""What is read, where it is used: a live page, HTTP, MQTT."""
