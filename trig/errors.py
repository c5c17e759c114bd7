"""User-fixable errors: one line and exit code 2 at the edge. Anything else is a bug and keeps its traceback."""


class TrigError(Exception):
    """Base class of user-fixable errors; the message names the file, field, value and remedy."""


class ParamsError(TrigError):
    """A parameter is unknown, of the wrong type, or impossible."""


class FileError(TrigError):
    """A file or folder cannot be read or written."""


class TableError(TrigError):
    """A table is missing, unreadable or violates its schema."""


class RevisionError(TrigError):
    """A git revision or experiment is unknown, or its outputs are not in DVC's cache."""


class PictureError(TrigError):
    """An image cannot be decoded."""


class StoreError(TrigError):
    """The work store cannot be opened, read or written."""


class StoreClosedError(StoreError):
    """The work store is not writable."""


class WeightsError(TrigError):
    """The weights of a model, judge or adapter are missing or fail to load."""


class LabelError(TrigError):
    """A grade is not a single token of its own."""


class JudgeError(TrigError):
    """A judge is unreachable, rejects the key, or leaves too many questions unanswered."""


class AnnotatorError(TrigError):
    """An annotator is unreachable, rejects the key, lacks what is asked of it, or leaves too many questions unanswered."""


class ExecutorError(TrigError):
    """Workers cannot be started, keep dying, or compute with other weights or libraries."""


class PainterError(TrigError):
    """A generator behind a server is unreachable, rejects the key or an argument, or leaves too many pictures in a row unmade."""


class GateError(TrigError):
    """A table fails its expectations."""
