"""Enriched events of Snowplow as rows: JSON with a key for each entity, or tab-separated values."""

import re
from functools import lru_cache
from typing import Any, Final

from schemas.adapters.decoded import Fields
from schemas.adapters.reasons import parse, text_of
from schemas.rejected import InvalidEvent

COLUMNS: Final = (
    *("app_id", "platform", "etl_tstamp", "collector_tstamp", "dvce_created_tstamp", "event"),
    *("event_id", "txn_id", "name_tracker", "v_tracker", "v_collector", "v_etl", "user_id"),
    *("user_ipaddress", "user_fingerprint", "domain_userid", "domain_sessionidx", "network_userid"),
    *("geo_country", "geo_region", "geo_city", "geo_zipcode", "geo_latitude", "geo_longitude"),
    *("geo_region_name", "ip_isp", "ip_organization", "ip_domain", "ip_netspeed", "page_url"),
    *("page_title", "page_referrer", "page_urlscheme", "page_urlhost", "page_urlport", "page_urlpath"),
    *("page_urlquery", "page_urlfragment", "refr_urlscheme", "refr_urlhost", "refr_urlport"),
    *("refr_urlpath", "refr_urlquery", "refr_urlfragment", "refr_medium", "refr_source", "refr_term"),
    *("mkt_medium", "mkt_source", "mkt_term", "mkt_content", "mkt_campaign", "contexts", "se_category"),
    *("se_action", "se_label", "se_property", "se_value", "unstruct_event", "tr_orderid"),
    *("tr_affiliation", "tr_total", "tr_tax", "tr_shipping", "tr_city", "tr_state", "tr_country"),
    *("ti_orderid", "ti_sku", "ti_name", "ti_category", "ti_price", "ti_quantity", "pp_xoffset_min"),
    *("pp_xoffset_max", "pp_yoffset_min", "pp_yoffset_max", "useragent", "br_name", "br_family"),
    *("br_version", "br_type", "br_renderengine", "br_lang", "br_features_pdf", "br_features_flash"),
    *("br_features_java", "br_features_director", "br_features_quicktime", "br_features_realplayer"),
    *("br_features_windowsmedia", "br_features_gears", "br_features_silverlight", "br_cookies"),
    *("br_colordepth", "br_viewwidth", "br_viewheight", "os_name", "os_family", "os_manufacturer"),
    *("os_timezone", "dvce_type", "dvce_ismobile", "dvce_screenwidth", "dvce_screenheight"),
    *("doc_charset", "doc_width", "doc_height", "tr_currency", "tr_total_base", "tr_tax_base"),
    *("tr_shipping_base", "ti_currency", "ti_price_base", "base_currency", "geo_timezone"),
    *("mkt_clickid", "mkt_network", "etl_tags", "dvce_sent_tstamp", "refr_domain_userid"),
    *("refr_device_tstamp", "derived_contexts", "domain_sessionid", "derived_tstamp", "event_vendor"),
    *("event_name", "event_format", "event_version", "event_fingerprint", "true_tstamp"),
)
"""The columns of an enriched event in their order."""

WANTED: Final = (
    *("platform", "collector_tstamp", "event", "event_id", "user_id", "domain_userid", "network_userid"),
    *("page_url", "page_title", "refr_medium", "mkt_source", "contexts", "se_action", "unstruct_event"),
    *("tr_orderid", "tr_total", "tr_tax", "tr_shipping", "tr_currency", "dvce_type", "derived_contexts"),
    *("br_lang", "os_timezone", "domain_sessionid", "derived_tstamp", "event_name"),
)
LONGEST_SCHEMA: Final = 300
SELF_DESCRIBING: Final = ("contexts", "derived_contexts")

_PLACES: Final = tuple((name, COLUMNS.index(name)) for name in WANTED)
_SCHEMA: Final = re.compile(r"iglu:([\w.-]+)/([\w-]+)/[\w-]+/(\d+)-\d+-\d+", re.ASCII)
_HUMP: Final = re.compile(r"([^A-Z_])([A-Z])")


def row_of(value: bytes, dropped: list[str]) -> Fields:
    """Return an enriched event with a key for each entity, whatever its form; raises InvalidEvent.

    What describes itself and cannot be read is appended to ``dropped`` by name.
    """
    row = parse(value) if value.lstrip()[:1] in (b"{", b"[") else _of_tsv(value)
    if not isinstance(row, dict):
        raise InvalidEvent("invalid", "an enriched event must be a JSON object or tab-separated values")
    for name in SELF_DESCRIBING:
        if row.get(name):
            row |= _entities(_inner(row[name], name, dropped))
    if row.get("unstruct_event"):
        row |= _event(_inner(row["unstruct_event"], "unstruct_event", dropped))
    return row


def entity(row: Fields, key: str) -> list[Fields]:
    """Return the entities of a kind that an event carries, as ``vendor_name_major``."""
    found = row.get(f"contexts_{key}")
    if isinstance(found, dict):  # some loaders write a single one without its list
        return [found] if found else []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of_tsv(value: bytes) -> Fields:
    cells = text_of(value).rstrip("\r\n").split("\t")
    if len(cells) != len(COLUMNS):
        raise InvalidEvent("invalid", f"{len(cells)} columns; an enriched event has {len(COLUMNS)}")
    return {name: cells[at] or None for name, at in _PLACES}


def _inner(outer: object, name: str, dropped: list[str]) -> Any:  # noqa: ANN401  JSON is anything
    """Return the data of an object that describes itself, which may be text."""
    if isinstance(outer, str):
        try:
            outer = parse(outer.encode())
        except (InvalidEvent, UnicodeEncodeError):
            outer = None
    if isinstance(outer, dict) and isinstance(outer.get("data"), list | dict):
        return outer["data"]
    dropped.append(name)
    return None


def _entities(described: object) -> Fields:
    """Return entities by their keys, each a list, as ``spEnrichedToJson`` writes them."""
    found: Fields = {}
    for each in described if isinstance(described, list) else ():
        if isinstance(each, dict) and (key := _key(each.get("schema"))) is not None:
            found.setdefault(f"contexts_{key}", []).append(each.get("data"))
    return found


def _event(described: object) -> Fields:
    if isinstance(described, dict) and (key := _key(described.get("schema"))) is not None:
        return {f"unstruct_event_{key}": described.get("data")}
    return {}


def _key(schema: object) -> str | None:
    return _key_of(schema) if isinstance(schema, str) and len(schema) <= LONGEST_SCHEMA else None


@lru_cache(maxsize=512)
def _key_of(schema: str) -> str | None:
    """Return the key of a schema.

    >>> _key_of("iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0")
    'com_snowplowanalytics_snowplow_ecommerce_product_1'
    """
    found = _SCHEMA.fullmatch(schema)
    if found is None:
        return None
    vendor, name, major = found.groups()
    plain = _HUMP.sub(r"\1_\2", name).replace("-", "_").lower()
    return f"{vendor.replace('.', '_').replace('-', '_').lower()}_{plain}_{major}"
