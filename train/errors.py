"""Errors that are told in one line: `UserError` ends a program with status 2, `TrainingError` with status 1."""


class _Told(Exception):
    def __str__(self) -> str:
        """Returns the message on one line, whatever the names in it hold."""
        return " ".join(super().__str__().splitlines())


class UserError(_Told):
    """The input was wrong. The message says what is wrong, what was received and what to do."""


class DataUnavailableError(UserError):
    """The data set is neither on disk nor reachable; a fallback may take its place."""


class TrainingError(_Told):
    """The work itself failed, for instance on a loss that is not a number."""
