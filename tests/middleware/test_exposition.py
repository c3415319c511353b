"""Numbers as text: what Prometheus' own parser reads of it, and what stands there letter by letter."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from middleware.exposition import Counter, Histogram, gauge, text
from middleware.metering import MOST_NAMES, OTHER, Names

HOSTILE = 'sly" 1\\\n# TYPE evil counter\nevil{a="b"} 9 {},=é漢🧠'


def test_counters_histograms_and_gauges_are_written_as_the_format_has_it() -> None:
    counter = Counter("a_total", "Counts \\ in\ntwo lines.", ("of", "how"))
    counter.add("x", "y")
    counter.add("x", "y", by=0.5)
    counter.add("z", "y", by=1_000_000_000)
    histogram = Histogram("b_seconds", "Times.", ("of",), bounds=(0.1, 1))
    for value in (0.05, 0.1, 0.25, 7):
        histogram.add(value, "x")
    lines = [*counter.lines(), *histogram.lines(), *gauge("c", "Now.", -1), *gauge("d", "What.", 1, {"e": "f"})]
    assert text(lines).decode() == (
        "# HELP a_total Counts \\\\ in\\ntwo lines.\n"
        "# TYPE a_total counter\n"
        'a_total{of="x",how="y"} 1.5\n'
        'a_total{of="z",how="y"} 1000000000\n'
        "# HELP b_seconds Times.\n"
        "# TYPE b_seconds histogram\n"
        'b_seconds_bucket{of="x",le="0.1"} 2\n'
        'b_seconds_bucket{of="x",le="1"} 3\n'
        'b_seconds_bucket{of="x",le="+Inf"} 4\n'
        'b_seconds_sum{of="x"} 7.4\n'
        'b_seconds_count{of="x"} 4\n'
        "# HELP c Now.\n"
        "# TYPE c gauge\n"
        "c -1\n"
        "# HELP d What.\n"
        "# TYPE d gauge\n"
        'd{e="f"} 1\n'
    )


@pytest.mark.parametrize("value", [HOSTILE, "\\", '"', "\n", "\\n", '\\"', ""])
def test_a_hostile_name_stays_within_its_label(value: str) -> None:
    counter = Counter("a_total", "Counts.", ("of",))
    counter.add(value, by=3)
    written = text(counter.lines()).decode()
    assert len(written.splitlines()) == 3
    ((family),) = text_string_to_metric_families(written)
    ((sample),) = family.samples
    assert (sample.labels, sample.value) == ({"of": value}, 3)


def test_half_of_a_surrogate_pair_does_not_fail_the_whole_text() -> None:
    assert text(gauge("a", "Now.", 1, {"of": "\ud800"})).endswith(b'a{of="?"} 1\n')


def test_a_label_has_few_values_however_many_names_there_are() -> None:
    names = Names(lambda: {f"name {number}" for number in range(1_000)})
    given = [names.of(name) for name in ("invented", *(f"name {number}" for number in range(1_000)), "name 0")]
    assert given[0] == OTHER
    assert given[-1] == "name 0"
    assert len(set(given)) == MOST_NAMES + 1
