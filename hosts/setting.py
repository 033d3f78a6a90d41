"""A setting that one part needs: whether it is there, and can be used."""

from __future__ import annotations

from collections.abc import Mapping

#: App Service leaves a reference that it cannot resolve as the setting's value.
REFERENCE = "@Microsoft.KeyVault("


def setting_fault(name: str, settings: Mapping[str, str]) -> str | None:
    """Return what is wrong with a setting, None where it has a value; the value is never repeated.

    >>> setting_fault("PAGER_URL", {"PAGER_URL": "https://pager.example/hook"})
    >>> setting_fault("PAGER_URL", {})
    'the setting PAGER_URL is not there'
    """
    if name not in settings:
        return f"the setting {name} is not there"
    value = settings[name].strip()
    if not value:
        return f"the setting {name} is empty"
    if value.startswith(REFERENCE):
        return f"the setting {name} is a Key Vault reference that could not be resolved"
    return None
