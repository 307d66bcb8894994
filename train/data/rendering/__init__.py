"""House numbers drawn at run time: type faces, layout, paint, surroundings, camera, and the scenes made of them."""
