"""Sweeps: the declaration of many trainings, and the processes that run them."""
