from train.errors import DataUnavailableError
def load(config, architecture):
    raise DataUnavailableError("x")
