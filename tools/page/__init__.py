"""The page about one training: facts, readings, tables, plots and pictures, as one HTML file."""
