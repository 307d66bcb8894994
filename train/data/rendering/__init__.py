"""House numbers drawn at run time: type faces, layout, paint, surroundings, camera, and the scenes made of them."""

import cv2

cv2.setNumThreads(1)  # pictures are small, and there is a process a core
