"""What `edge.run` tells of images: how a command line has them read, by one process or several, and the lines."""
