"""A check: some of each file and topic is read, with the readers of a worker."""

from collections.abc import Sequence

from flows.kafka.schema_registry.start import schema_registry
from flows.settings import Settings
from flows.studies.check.findings import Findings, SourceFindings
from flows.studies.check.sources import source_of
from flows.studies.check.tally import Tally


def check(names: Sequence[str], form: str | None, limit: int, settings: Settings) -> Findings:
    """Read at most ``limit`` records of each of these files and topics, and return what is in them.

    A format that is not given is found. Raises as ``source_of`` does.
    """
    shop = settings.shop()
    tally, found = Tally(), []
    with schema_registry(settings.schema_registry, settings.schema_registry_client) as schemas:
        for name in names:
            source = source_of(name, form, limit, settings, schemas)
            records = tally.read(source, settings, shop, schemas)
            is_whole = records < limit if source.partitions is None else source.is_whole
            found.append(
                SourceFindings(
                    name=name,
                    records=records,
                    is_whole=is_whole,
                    partitions=source.partitions,
                    form=source.form,
                    is_found=source.is_found,
                    fits=source.fits,
                    better=source.better,
                )
            )
    return Findings(found, tally, shop)
