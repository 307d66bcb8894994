"""The answers of `edge.run`: images read as a command line says, by one process or several, and the lines."""
