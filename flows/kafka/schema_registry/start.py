"""A Schema Registry at start: its optional client is there, and it answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Final

from flows.kafka.schema_registry.schema_cache import SchemaCache
from schemas.errors import SetupError

CLIENT: Final = "flows.kafka.schema_registry.client"
"""The module that needs the packages of the extra."""


@contextmanager
def schema_registry(
    url: str | None, settings: Mapping[str, str], registered: Mapping[str, str] = MappingProxyType({})
) -> Iterator[SchemaCache | None]:
    """Yield what reads payloads by the schemas of the registry at ``url``, None where there is none.

    ``registered`` are JSON Schemas, by subject, that it has to know from now on. Raises SetupError where its
    client is not installed or refuses the settings, or it does not answer or refuses a schema.
    """
    if url is None:
        yield None
        return
    try:
        module = import_module(CLIENT)
    except ModuleNotFoundError as error:
        raise SetupError(
            f"the Schema Registry's client must be installed; {error.name} is not: "
            "pip install 'offerstream[avro]'"
        ) from None
    client = module.RegistryClient(url, settings)
    cache = SchemaCache(client.fetch)
    try:
        client.check()
        for subject, schema in registered.items():
            client.register(subject, schema)
        yield cache
    finally:
        cache.close()
        client.close()
