"""What is said of how a loop will go: measured numbers with their samples, and nothing where there are too few."""

from companions.outlook import Standing, outlook
from companions.patterns.sample import PHASES, Effort, Revised, Sample
from companions.patterns.sums import NOTHING, Sums

EFFORTS = {phase: Effort(steps=1, seconds=2.0, reported=1, tokens=100) for phase in PHASES}
DRAFTED = Standing(revisions=0, coming="critique", most=5)


def loops(*revisions: int, **given: object) -> Sums:
    """Sums of loops that ended by themselves after so many revisions."""
    told = {"censored": False, "efforts": EFFORTS} | given
    return _sums([Sample(revisions=number, **told) for number in revisions])  # pyright: ignore[reportArgumentType]


def _sums(samples: list[Sample]) -> Sums:
    sums = NOTHING
    for sample in samples:
        sums = sums.and_sample(sample, 1e9)
    return sums


def test_below_five_loops_only_their_number_is_told() -> None:
    for number in range(5):
        said = f"Too few sessions yet ({number}) to say how it will go."
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
        "Of 5 earlier loops, those that came this far mostly ended within 2 more iterations (69%). "
        "About 8 s and 400 tokens to go."
    )


def test_a_revision_that_is_next_needs_no_critique_before_it() -> None:
    told = outlook(loops(1, 2, 2, 2, 3), Standing(revisions=0, coming="revise", most=5))

    assert told["estimated_completion"] == {"seconds": 6.0, "tokens": 300}


def test_where_too_few_came_this_far_nothing_is_said_of_what_comes() -> None:
    told = outlook(loops(*[0] * 20, 1, 2, 2, 2), DRAFTED)

    assert set(told) == {"samples", "anomalies", "suggestions"}
    assert told["suggestions"] == ["Too few sessions yet came this far to say how it will go on (24 in all)."]


def test_beyond_the_longest_loops_that_are_told_apart_nothing_is_said() -> None:
    assert "remaining_iterations" not in outlook(loops(*[30] * 9), Standing(revisions=10, coming="critique", most=40))
    assert "remaining_iterations" in outlook(loops(*[30] * 9), Standing(revisions=9, coming="critique", most=40))


def test_a_maximum_is_not_told_as_what_loops_did() -> None:
    (line,) = outlook(loops(*[9] * 9), Standing(revisions=0, coming="critique", most=3))["suggestions"]

    assert line.startswith("Of 9 earlier loops, those that came this far mostly had 3 more iterations at least.")
    assert "The maximum allows no more." in line


def test_what_steps_took_is_left_out_where_too_few_told_it() -> None:
    told = outlook(loops(2, 2, 2, 2, 2, efforts={}), DRAFTED)

    assert "estimated_completion" not in told
    assert "to go" not in told["suggestions"][0]


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
