"""The privacy section in words: the answer, what an attacker would gain, whether to trust it."""

from typing import Any

import pytest

from pathgen.report.privacy import privacy_answer, privacy_part

PASSED = "no leakage found by these tests"


def one_test(value: float, p_adjusted: float, expected: float = 0.5) -> dict[str, Any]:
    return {
        "value": value,
        "low": value - 0.03,
        "high": value + 0.03,
        "expected": expected,
        "p_adjusted": p_adjusted,
        "found": p_adjusted <= 0.01,
    }


def audited(p_adjusted: float, kept: bool = True) -> dict[str, Any]:
    return {
        "verdict": PASSED,
        "text": "Something was found.",
        "level": 0.01,
        "patches": {"train": 400},
        "tests": {
            "one_auc": one_test(0.51, 1.0),
            "other_auc": one_test(0.56, p_adjusted),
            "one_tpr": one_test(0.04, 0.9, expected=0.0125),
            "one_strict_tpr": one_test(0.9, 0.9, expected=0.0025),
            "unmeasured_auc": {"value": None, "low": None, "high": None, "expected": 0.5, "p_adjusted": 1.0},
        },
        "controls": [
            {
                "name": "few copies",
                "kind": "positive",
                "what": "53 copies",
                "found_by": ["one_auc", "one_tpr"] if kept else [],
                "as_expected": kept,
            },
            {
                "name": "fresh",
                "kind": "negative",
                "what": "others",
                "found_by": [],
                "as_expected": True,
            },
        ],
    }


def results(verdict: str = PASSED, tumor: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "caveat": "No test proves it.",
        "metrics": {"privacy/normal/one_auc": 0.51, "privacy/normal/one_auc/expected": 0.5},
        "labels": {"normal": audited(0.38), "tumor": tumor or audited(0.14)},
    }


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [
        (PASSED, "No leak was found in the synthetic patches of dcgan: "),
        (
            "leakage found",
            "Yes, patches are given away: an attacker who holds the synthetic patches of dcgan",
        ),
        ("refused", "It is not known what the synthetic patches of dcgan give away"),
        ("something else", "Privacy of dcgan: something else."),
    ],
)
def test_the_first_sentence_answers(verdict: str, begins: str) -> None:
    assert privacy_answer("dcgan", {"verdict": verdict}).startswith(begins)
    assert privacy_part("dcgan", results(verdict)).answer.startswith(begins)


def test_the_words_of_the_verdict_are_those_of_the_audit() -> None:
    from typing import get_args

    from pathgen.results.audit import Verdict

    assert not any(privacy_answer("x", {"verdict": v}).startswith("Privacy of") for v in get_args(Verdict))


def test_what_an_attacker_gains_is_told_in_patches() -> None:
    part = privacy_part("dcgan", results())
    assert part.gain is not None and part.caveat == "No test proves it." and part.paragraphs == []
    assert part.gain.head[2:] == ["normal patches", "tumour patches"]
    pairs, named, chance = part.gain.lines
    assert pairs[1:] == ["50 by guessing", "56\nat most 59", "56\nat most 59"]
    # Not those of the attack that may name nobody wrongly.
    assert named[1:] == ["12 by guessing", "40\nat most 70", "40\nat most 70"]
    assert chance[1:] == ["1 or fewer: a leak", "38", "14"]


def test_the_answer_says_no_more_than_the_tests_found() -> None:
    assert "none of 10 tests told" in privacy_answer("dcgan", results())
    assert "no test told" in privacy_answer("dcgan", {"verdict": PASSED})


def test_attacks_without_a_part_in_the_verdict_are_told_beside_those_with_one() -> None:
    content = results()
    content["metrics"] |= {
        "privacy/normal/shadow_auc": 0.488,
        "privacy/tumor/shadow_auc": 0.648,
        "privacy/tumor/shadow_auc/high": 0.688,
        "privacy/tumor/shadow_auc/expected": 0.5,
        "privacy/tumor/shadow_auc/p_value": 0.0095,
        "privacy/tumor/shadow_on_copies_auc": 0.58,
        "privacy/tumor/discriminator_tpr": 0.028,
        "privacy/tumor/discriminator_tpr/p_value": 0.00001,
    }
    part = privacy_part("dcgan", content)
    assert part.gain is not None and "that the verdict rests on" in part.gain.caption
    assert part.undecided is not None and "only 58 times of 100" in part.undecided.caption
    pairs, named = part.undecided.lines
    assert pairs[0].startswith("A network that the attacker trains")
    assert pairs[1:] == ["50 by guessing", "49", "65\nat most 69\nby chance: 0.95"]
    assert named[0].startswith("The discriminator") and named[1:] == ["–", "–", "28\nby chance: under 0.1"]
    assert privacy_part("dcgan", results()).undecided is None


def scored(value: float, question: str = "Made up?") -> dict[str, Any]:
    return {
        "question": question,
        "value": value,
        "expected": 0.0,
        "on_copies": -6.9,
        "on_shrunken_variety": -13.99,
    }


@pytest.mark.parametrize(("value", "called"), [(-12.2, True), (-2.9, False)])
def test_scores_of_copying_stand_beside_what_they_read_on_sets_that_are_known(
    value: float, called: bool
) -> None:
    content = results()
    content["labels"]["normal"]["descriptions"] = {"data_copying": scored(5.3)}
    content["labels"]["tumor"]["descriptions"] = {
        "closest_distance_ratio": scored(0.86, "The same of the closest"),
        "data_copying": scored(value),
        "distance_ratio": scored(0.8),
    }
    scores = privacy_part("dcgan", content).scores
    assert scores is not None
    # "The same" follows on what it is the same as.
    assert [line[0] for line in scores.lines] == ["Made up?", "The same of the closest", "Made up?"]
    cells = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in scores.lines[2][1:]]
    of_set, expected, on_copies, shrunken = cells
    assert of_set == f"normal 5.30\ntumour −{-value:.2f}"
    assert (expected, on_copies) == ("normal 0.00\ntumour 0.00", "normal −6.90\ntumour −6.90")
    assert shrunken == "normal −13.99\ntumour −13.99"
    assert ("the tumour patches would count as copied" in scores.caption) is called
    assert "normal" not in scores.caption


def test_a_leak_and_its_reason_are_told() -> None:
    part = privacy_part("dcgan", results("leakage found", audited(0.0004) | {"verdict": "leakage found"}))
    assert part.paragraphs == ["tumour: Something was found."]
    assert part.gain is not None and part.gain.lines[2][3] == "fewer than 1: a leak"


def test_a_refused_audit_shows_no_gain_and_which_trial_failed() -> None:
    part = privacy_part("dcgan", results("refused", audited(0.5, kept=False) | {"verdict": "refused"}))
    assert part.gain is None and part.controls is not None
    assert "Of 4 trials 1 did not come out so" in part.trials
    assert part.controls.head == ["set whose answer is known", "it must", "normal", "tumour"]
    assert part.controls.lines == [
        ["53 copies", "be found", "found by 2 of 5 tests", "not found: NOT AS IT MUST"],
        ["others", "not be found", "not found", "not found"],
    ]


def test_little_is_said_of_results_that_hold_little() -> None:
    part = privacy_part(
        "dcgan", {"verdict": PASSED, "labels": {"normal": {"tests": {"a_auc": {"value": 0.5}}}}}
    )
    assert part.gain is not None and part.gain.lines[0][1:] == ["–", "50"]
    assert part.gain.lines[2][1:] == ["–", "–"]
    empty = privacy_part("dcgan", {})
    assert (empty.gain, empty.controls, empty.trials, empty.caveat) == (None, None, "", "")
