"""Elements of JSON that is not one a line: found however it is written, as the bytes they are."""

import json
from io import BytesIO
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.files import json_elements
from flows.files.json_elements import EndlessElementError, JsonElements
from tests.builders import OFTEN

TEXT = st.text('a"\\{}[],: \n\r\té', max_size=5)
VALUE = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(TEXT, VALUE, max_size=4), max_size=5)
INDENT = st.sampled_from([None, 0, 1, 2, "\t"])


def read(data, **settings):
    return list(JsonElements(BytesIO(data), **settings))


def in_array(objects, indent):
    return json.dumps(objects, indent=indent)


def one_after_another(objects, indent):
    return "".join(json.dumps(each, indent=indent) for each in objects)


def a_line_each(objects, indent):
    return ",\r\n".join(json.dumps(each, indent=indent, ensure_ascii=False) for each in objects)


@OFTEN
@given(OBJECTS, INDENT, st.sampled_from([in_array, one_after_another, a_line_each]), st.integers(1, 40))
def test_every_object_is_one_record_however_it_is_written(objects, indent, written, chunk):
    records = read(written(objects, indent).encode(), chunk=chunk)
    assert [(offset, json.loads(value)) for offset, value in records] == list(enumerate(objects))


@OFTEN
@given(OBJECTS, INDENT, st.integers(1, 40), st.integers(0, 5))
def test_elements_are_read_on_from_each_place_where_one_ended(objects, indent, chunk, count):
    data = in_array(objects, indent).encode()
    elements = JsonElements(BytesIO(data), chunk=chunk)
    first = list(islice(elements, count))
    rest = BytesIO(data[elements.position :])
    assert first + list(JsonElements(rest, elements.offset, elements.position)) == read(data)


@pytest.mark.parametrize(
    ("data", "elements"),
    [
        (b"", []),
        (b"[]", []),
        (b'[1, "a", null]', [b"1", b'"a"', b"null"]),
        (b'[[{"a": 1}], [{"a": 2}]]', [b'{"a": 1}', b'{"a": 2}']),
        (b'\x1e{"a": 1}\n\x1e{"a": 2}\n', [b'{"a": 1}', b'{"a": 2}']),
        (b'\xef\xbb\xbf{"a": 1}', [b'{"a": 1}']),
        (b'{"a": 1}}{"a": 2}', [b'{"a": 1}', b"}", b'{"a": 2}']),
    ],
)
@pytest.mark.parametrize("chunk", [1, 100])
def test_what_stands_between_objects_is_no_part_of_them(data, elements, chunk):
    assert [value for _, value in read(data, chunk=chunk)] == elements


@pytest.mark.parametrize(
    "broken",
    [b'{"a": {"b": 1}', b'{"a": "b}', b'{"a": [1, 2}', b'{"a": "b\\}'],
    ids=["a brace is missing", "a quote is missing", "a bracket is missing", "a quote is escaped"],
)
@pytest.mark.parametrize("between", [b",\n ", b", ", b""])
def test_a_broken_object_costs_only_itself(broken, between):
    objects = [b'{"a": 1}', broken, b'{"a": 2}', b'{"a": 3}']
    assert [value for _, value in read(b"[" + between.join(objects) + b"]")] == objects


@pytest.mark.parametrize("text", [b'{"a": "b\n}', b'{"a": "b\r\n}', b'{"a": "b\\\n}'])
def test_a_text_without_a_closing_quote_ends_with_its_line(text):
    assert [value for _, value in read(text + b',{"c": 1}')] == [text, b'{"c": 1}']


def test_an_array_that_is_cut_off_costs_its_last_object():
    assert [value for _, value in read(b'[{"a": 1},\n{"a": "b')] == [b'{"a": 1}', b'{"a": "b']


def test_an_object_without_an_end_is_not_read_to_the_end_of_the_file(monkeypatch):
    monkeypatch.setattr(json_elements, "MAX_ELEMENT_BYTES", 99)
    file = BytesIO(b'[{"a": 1}, {"b": [' + b"[" * 10_000)
    elements = iter(JsonElements(file, chunk=10))
    assert next(elements) == (0, b'{"a": 1}')
    with pytest.raises(EndlessElementError, match="the object at byte 11"):
        next(elements)
    assert file.tell() < 300
    broken = b'{"a": {' + b"x" * 50 + b'{"a": "' + b"y" * 80
    assert read(broken + b'"}', chunk=10) == [(0, broken[:57]), (1, broken[57:] + b'"}')]
