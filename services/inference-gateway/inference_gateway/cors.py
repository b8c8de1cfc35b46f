"""Lets pages of other origins call the gateway from a browser (CORS), as the settings allow it."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

# What a browser hides from scripts of other origins unless it is named.
_EXPOSED_HEADERS = ("x-request-id", "x-kaito-ignored-parameters", "retry-after")


def with_cors(application: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application for pages of these origins as well; "*" means all of them.

    Cookies are never allowed: the gateway has none, and a page must not use a user's.
    """
    if not origins:
        return application
    return CORSMiddleware(
        application,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=_EXPOSED_HEADERS,
    )
