"""Check a provider: whether it can be reached and takes this stack's key, by a call that costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from atelier.errors import NotPossibleError, ProviderError
from atelier.providers.ports import ProviderKeys
from atelier.providers.provider import Provider


@dataclass(frozen=True, slots=True)
class CheckProvider:
    """Asks one provider; `providers` are all, by their names."""

    providers: Mapping[str, Provider]
    keys: ProviderKeys

    def __call__(self, name: str) -> str | None:
        """Return what is wrong, or None; NotPossibleError where the provider needs a key and has none."""
        provider, key = self.providers[name], self.keys.get(name)
        if provider.needs_key and key is None:
            raise NotPossibleError(f"The provider {name} has no key; set one first.")
        try:
            provider.check(key)
        except ProviderError as exc:
            return str(exc)
        return None
