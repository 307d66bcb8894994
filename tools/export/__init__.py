"""Makes bundles out of trained networks, and measures how far the two agree."""
