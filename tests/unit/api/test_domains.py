from __future__ import annotations

from gantrans.api.domains import filled


def test_a_domains_table_has_what_it_leaves_out_from_the_common_one() -> None:
    table = {
        "size": 1,
        "colours": {"hue": 2, "light": 3},
        "name": "x",
        "b": {"colours": {"hue": 4}},
    }
    assert filled(table, {"size", "colours"}) == {
        **table,
        "b": {"size": 1, "colours": {"hue": 4, "light": 3}},
    }


def test_a_table_without_domains_and_what_is_no_table_stay_as_they_are() -> None:
    assert filled({"size": 1, "a": None}, {"size"}) == {"size": 1, "a": None}
    assert filled(5, {"size"}) == 5
