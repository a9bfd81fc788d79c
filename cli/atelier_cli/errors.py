"""Errors of one run of `atelier`; each message is one line that says what to do.

AtelierError              the client's root, so that one clause catches the errors of both
├── StackError            no stack is found, or its secrets cannot be had
├── FileError             a picture cannot be read or written
├── CatalogError          a catalog is not one, or does not fit the providers
├── ProviderError         a provider does not take the stack's key
└── ApiError              the stack refused the request
    └── UnavailableError  the stack could not answer now: the same request may succeed later
"""

import atelier_client


class AtelierError(atelier_client.AtelierError):
    """The command cannot do what it was asked; the message is for its user."""


class StackError(AtelierError):
    """No stack is found, or its secrets cannot be had."""


class FileError(AtelierError):
    """A picture cannot be read or written."""


class CatalogError(AtelierError):
    """A catalog is not one, or does not fit the providers."""


class ProviderError(AtelierError):
    """A provider does not take the stack's key."""


class ApiError(AtelierError):
    """The stack refused the request."""


class UnavailableError(ApiError):
    """The stack could not answer now: the same request may succeed later."""
