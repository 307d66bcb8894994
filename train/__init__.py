"""Training and evaluation: `python -m train.main --flagfile=svhn.flags`."""
