"""The two-stage network on the device: models, and what is computed between them."""
