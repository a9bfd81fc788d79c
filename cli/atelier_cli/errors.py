"""What can go wrong in one run of `atelier`; each message is one line that says what to do.

AtelierError
├── StackError            no stack is found, or its secrets cannot be had
├── GenerationError       the generation ended without a picture, or has not ended yet
├── FileError             the picture cannot be written
├── CatalogError          a catalog is not one, or does not fit the providers
└── ApiError              the stack refused the request
    └── UnavailableError  the stack could not answer now: the same request may succeed later
"""


class AtelierError(Exception):
    """The command cannot do what it was asked; the message is for its user."""


class StackError(AtelierError):
    """No stack is found, or its secrets cannot be had."""


class GenerationError(AtelierError):
    """The generation ended without a picture, or has not ended yet."""


class FileError(AtelierError):
    """The picture cannot be written."""


class CatalogError(AtelierError):
    """A catalog is not one, or does not fit the providers."""


class ApiError(AtelierError):
    """The stack refused the request."""


class UnavailableError(ApiError):
    """The stack could not answer now: the same request may succeed later."""
