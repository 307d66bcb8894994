"""Errors that are told in one line: `UserError` ends a program with status 2, `TrainingError` with status 1."""


class UserError(Exception):
    """The input was wrong. The message says what is wrong, what was received and what to do."""


class DataUnavailableError(UserError):
    """The data set is neither on disk nor reachable; a fallback may take its place."""


class TrainingError(Exception):
    """The work itself failed, for instance on a loss that is not a number."""
