"""The errors a person can mend. Each prints as one line at the edge and exits with code 2; anything else is a bug and keeps its traceback."""


class TrigError(Exception):
    """Something a person can mend: its message names the file, the field, the value and what to do."""


class ParamsError(TrigError):
    """A parameter is unknown, of the wrong type, or impossible."""


class FileError(TrigError):
    """A file or folder cannot be read or written."""


class TableError(TrigError):
    """A table is missing, unreadable, or does not have its declared columns and values."""


class RevisionError(TrigError):
    """A git revision or an experiment is unknown, or what it produced is not in DVC's cache."""


class PictureError(TrigError):
    """A picture's bytes cannot be decoded."""


class StoreError(TrigError):
    """The work store cannot be opened, read or written."""


class StoreClosedError(StoreError):
    """The work store lies where nothing may be written."""


class WeightsError(TrigError):
    """The weights of a model, judge or adapter are missing or do not load."""


class LabelError(TrigError):
    """A grade cannot be told from another by its first token."""


class JudgeError(TrigError):
    """A judge cannot be reached, refuses the key, or has no answer to too many questions."""


class GateError(TrigError):
    """A table failed its expectations."""
