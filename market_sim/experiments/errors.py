"""What can go wrong with a batch that is no fault of a scenario or of a results folder."""


class BatchError(Exception):
    """The root: one sentence that names the thing, the value it had, and what was wanted."""


class WrongRequest(BatchError):
    """What was asked for cannot be done as it stands; nothing was begun."""


class NoExecutor(WrongRequest):
    """There is no such executor, its package is not installed, or nothing answers at the address."""


class BatchBroken(BatchError):
    """The executor failed under the batch; what had been finished is kept."""
