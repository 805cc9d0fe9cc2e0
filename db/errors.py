"""What goes wrong between the catalog and whoever asks it."""


class CatalogError(ValueError):
    """The user's catalog, or what was asked of it, is not as it should be. The message names the remedy."""


class ChangedCodeError(CatalogError):
    """An experiment has other runs for these variants and seeds: the code changed while it was under way."""


class CatalogUnavailableError(ConnectionError):
    """The catalog cannot be written or read now: it is locked, or its disk is full. Nothing is wrong with what was to
    be written."""
