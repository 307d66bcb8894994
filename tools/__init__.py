"""The part that runs on the workstation, after training: from a trained workdir to a bundle for the device."""
