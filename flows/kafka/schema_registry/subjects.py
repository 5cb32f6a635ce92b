"""The schemas of what is written, as a Schema Registry keeps them."""

import json
from collections.abc import Mapping

from schemas.json_schemas import output_schemas


def subjects_of(topics: Mapping[str, str]) -> dict[str, str]:
    """Return the JSON Schema of each topic, by its subject; ``topics`` are those written, by their rows.

    Topics whose values are as others wrote them have none.
    """
    schemas = output_schemas()
    return {f"{topic}-value": json.dumps(schemas[name]) for name, topic in topics.items() if name in schemas}
