"""Tables and plots of many trainings, from the files in `results/`."""
