"""Ways to read an image, compared on a board: latency, error, work, energy."""
