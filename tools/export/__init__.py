"""From a trained network to a bundle, and how far the two agree."""
