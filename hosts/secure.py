"""Headers that allow an answer nothing in a browser, unless it is a page.

Sources: W3C, "Content Security Policy Level 3" and "Referrer Policy"; WHATWG, "Fetch" (nosniff).
"""

from __future__ import annotations

CSP = "Content-Security-Policy"
#: Headers of every answer.
HEADERS = {
    CSP: "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: A page has styles and no scripts, and loads nothing.
PAGE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
#: A page with a form that is sent to this app alone.
FORM = PAGE.replace("form-action 'none'", "form-action 'self'")
#: A report of Evidently runs its own scripts, in an origin of its own, and loads and sends nothing.
REPORT = (
    "sandbox allow-scripts; default-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
