"""What is said of how a loop will go: measured numbers with their samples, and nothing where there are too few."""

from companions.outlook import Standing, outlook
from companions.patterns.sample import PHASES, Effort, Revised, Sample
from companions.patterns.sums import NOTHING, PERIOD_SECONDS, Sums, merged

EFFORTS = {phase: Effort(steps=1, seconds=2.0, reported=1, tokens=100) for phase in PHASES}
DRAFTED = Standing(revisions=0, coming="critique", most=5)


def loops(*revisions: int, **given: object) -> Sums:
    """Sums of loops that ended by themselves after so many revisions."""
    told = {"censored": False, "efforts": EFFORTS} | given
    return _sums([Sample(revisions=number, **told) for number in revisions])  # pyright: ignore[reportArgumentType]


def _sums(samples: list[Sample], at: float = 1e9) -> Sums:
    sums = NOTHING
    for sample in samples:
        sums = sums.and_sample(sample, at)
    return sums


def suggested(sums: Sums, *, revisions: int = 0, most: int = 5) -> str:
    """Give the one thing that is suggested, without what that takes."""
    (line,) = outlook(sums, Standing(revisions=revisions, coming="critique", most=most))["suggestions"]
    return line.partition(" Getting there")[0]


def test_below_five_loops_only_their_number_is_told() -> None:
    for number in range(5):
        said = f"Too few loops yet ({number}) to say how it will go."
        assert outlook(loops(*[2] * number), DRAFTED) == {"samples": number, "suggestions": [said]}


def test_from_five_on_it_is_told_how_far_loops_mostly_go_and_what_that_takes() -> None:
    told = outlook(loops(1, 2, 2, 2, 3), DRAFTED)

    # Ended of those that got so far, with 2 more that end by .3: 1.6 of 7, 3.6 of 6.
    going_on = (1 - 1.6 / 7) * (1 - 3.6 / 6)
    assert told["remaining_iterations"] == {
        "iterations": 2,
        "probability": round(1 - going_on, 3),
        "next_is_last": round(1.6 / 7, 3),
    }
    assert told["typical_iterations"] == {"iterations": 2, "probability": round(1 - going_on, 3)}
    assert told["estimated_completion"] == {"seconds": 8.0, "tokens": 400}
    (line,) = told["suggestions"]
    assert line == (
        "Of 5 earlier loops that came this far, 5 were revised once more; of these 4 ended by themselves within "
        "2 more iterations. Getting there takes about 8 s and 400 tokens."
    )


def test_a_revision_that_is_next_needs_no_critique_before_it() -> None:
    told = outlook(loops(1, 2, 2, 2, 3), Standing(revisions=0, coming="revise", most=5))

    assert told["estimated_completion"] == {"seconds": 6.0, "tokens": 300}


def test_where_too_few_came_this_far_nothing_is_said_of_what_comes() -> None:
    told = outlook(loops(*[0] * 20, 1, 2, 2, 2), DRAFTED)

    assert set(told) == {"samples", "anomalies", "suggestions"}
    assert told["suggestions"] == ["Too few loops yet went on from here to say how it will go on (24 in all)."]


def test_loops_that_ended_where_this_one_stands_are_counted_as_such() -> None:
    assert suggested(loops(*[0] * 90, *[3] * 10)) == (
        "Of 100 earlier loops that came this far, 10 were revised once more; of these 10 ended by themselves within "
        "3 more iterations."
    )
    assert suggested(loops(*[1] * 7, *[2] * 95, *[3] * 5), revisions=2, most=9) == (
        "Of 100 earlier loops that came this far, 5 were revised once more; of these 5 ended by themselves within "
        "1 more iteration."
    )


def test_a_loop_that_something_cut_off_did_not_end_by_itself() -> None:
    cut = merged(loops(*[2] * 6), loops(*[2] * 3, censored=True))

    assert "Of 9 earlier loops that came this far, 9 were revised once more; of these 6 ended by" in suggested(cut)


def test_loops_of_long_ago_count_as_much_as_they_weigh_and_that_is_said() -> None:
    long_ago = _sums([Sample(revisions=2, censored=False)] * 1000, 1e9 - 10 * PERIOD_SECONDS)
    told = outlook(merged(long_ago, loops(*[1] * 5)), DRAFTED)

    assert told["samples"] == 5.98
    assert told["suggestions"][0].startswith(
        "Of 6 earlier loops that came this far, older ones weighing less, 6 were revised once more; "
        "of these 5 ended by themselves within 1 more iteration."
    )
    assert outlook(long_ago.aged_to(long_ago.period + 9), DRAFTED) == {
        "samples": 1.95,
        "suggestions": ["Too few loops yet (2, older ones weighing less) to say how it will go."],
    }


def test_what_a_caller_does_with_an_outlook_changes_no_other() -> None:
    sums = loops(1, 2, 2, 2, 3)
    first = outlook(sums, DRAFTED)
    before = repr(first)
    first["suggestions"].append("Mine.")
    first["anomalies"].append("Mine.")
    first["remaining_iterations"]["iterations"] = 99

    assert repr(outlook(sums, DRAFTED)) == before


def test_beyond_the_longest_loops_that_are_told_apart_nothing_is_said() -> None:
    long = loops(*[30] * 9)
    assert "remaining_iterations" not in outlook(long, Standing(revisions=10, coming="critique", most=40))
    assert "remaining_iterations" not in outlook(long, Standing(revisions=9, coming="critique", most=40))
    assert suggested(long, revisions=9, most=40).endswith("of these 0 ended by themselves within 1 more iteration.")
    told = outlook(long, Standing(revisions=9, coming="critique", most=10))["remaining_iterations"]
    assert (told["iterations"], told["probability"]) == (1, 1.0)


def test_nothing_is_said_of_revisions_that_no_loop_ever_came_to() -> None:
    cut = loops(*[3] * 22, censored=True)

    told = outlook(cut, Standing(revisions=0, coming="critique", most=9))
    assert not {"typical_iterations", "remaining_iterations", "estimated_completion"} & set(told)
    assert suggested(cut, most=9) == (
        "Of 22 earlier loops that came this far, 22 were revised once more; of these 0 ended by themselves within "
        "3 more iterations."
    )
    # That the maximum ends them is known.
    assert outlook(cut, Standing(revisions=0, coming="critique", most=3))["remaining_iterations"]["iterations"] == 3


def test_less_than_five_loops_that_went_on_where_the_others_were_cut_off_tell_nothing() -> None:
    cut = loops(*[3] * 22, censored=True)

    for further, tells in ((4, False), (5, True)):
        told = outlook(merged(cut, loops(*[4] * further)), Standing(revisions=3, coming="critique", most=9))
        assert ("remaining_iterations" in told) == tells
    # A loop that ended by itself tells of all that it did not get to.
    ended = merged(cut, loops(*[1] * 30))
    assert outlook(ended, DRAFTED)["remaining_iterations"]["iterations"] == 1
    assert "3 more iterations" in suggested(merged(cut, loops(*[5] * 4)), most=9)


def test_a_maximum_is_not_told_as_what_loops_did() -> None:
    assert suggested(loops(*[9] * 9), most=3) == (
        "Of 9 earlier loops that came this far, 9 were revised once more; of these 0 ended by themselves within "
        "3 more iterations. The maximum allows no more."
    )


def test_what_steps_took_is_left_out_where_too_few_told_it() -> None:
    told = outlook(loops(2, 2, 2, 2, 2, efforts={}), DRAFTED)

    assert "estimated_completion" not in told
    assert "takes" not in told["suggestions"][0]


def test_what_is_out_of_the_ordinary_is_the_one_thing_that_is_suggested() -> None:
    odd = ("version 2 looks empty", "versions 1 to 3 have the same words")
    told = outlook(loops(*[2] * 9), Standing(revisions=3, coming="critique", most=5, anomalies=odd))

    assert told["anomalies"] == list(odd)
    assert told["suggestions"] == ["Out of the ordinary: version 2 looks empty; versions 1 to 3 have the same words."]


def test_of_a_loop_that_has_ended_nothing_more_is_expected() -> None:
    told = outlook(loops(*[2] * 9), Standing(revisions=3, coming=None, most=3))

    assert told["suggestions"] == []
    assert not {"remaining_iterations", "estimated_completion"} & set(told)


def test_a_threshold_is_recommended_with_its_risk_and_its_samples() -> None:
    still = Sample(revisions=2, censored=False, steps=(Revised(similarity=0.99),) * 2, scores=(0.1, 0.5, 0.4))
    told = outlook(_sums([still] * 30), DRAFTED)["recommended_threshold"]

    assert told == {"similarity": 0.0, "risk": round(1 / 32, 3), "samples": 30}
