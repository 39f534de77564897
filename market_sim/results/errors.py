"""What can go wrong with results: one family, so that a caller catches all of it by one name."""


class ResultsError(Exception):
    """The root: one sentence that names the thing, the value it had, what was wanted, and where."""


class ColumnMismatch(ResultsError):
    """A table was handed other columns, lengths or values than `results/columns.py` declares."""


class UnknownName(ResultsError):
    """A name stands in no list of the scenario, or a list of names is not one."""


class RunExists(ResultsError):
    """The folder already holds something; nothing is ever written over."""


class RunLocked(ResultsError):
    """Another process is writing this folder."""


class RunMismatch(ResultsError):
    """The folder to resume belongs to another run."""


class PartExists(ResultsError):
    """This part of this table is already written."""


class NoPlace(ResultsError):
    """An address that is neither a folder nor in an object store that is known."""


class NoStore(NoPlace):
    """The library that reaches object stores is not installed."""


class StorageFailed(ResultsError):
    """The disk or the object store refused to be read."""


class WriteFailed(StorageFailed):
    """The disk or the object store refused to be written; whatever stood there before still stands whole."""


class NoRuns(ResultsError):
    """No run folder lies where one was looked for."""


class ManifestUnreadable(ResultsError):
    """manifest.json is missing, cut short, or lacks a field."""


class FormatMismatch(ResultsError):
    """The run was written in another version of the format."""


class TableNotRecorded(ResultsError, KeyError):
    """The table exists, but not in these results; a KeyError too, as of any mapping."""

    __str__ = Exception.__str__
