import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from companions.companion_files import Problem
from companions.companion_types import BUILT_IN, CompanionType, Library
from companions.errors import UnknownNameError

SECTIONS = "\n## Draft\n\nWrite {it}.\n\n## Critique\n\nJudge it.\n\n### Points\n\nEach.\n\n## Revision\n\nMend it.\n"
GOOD = f"---\nname: poet\ndescription: Writes verse.\n---\n{SECTIONS}"
BUILT_INS = ["bug_triage", "generic", "guide", "marketing", "strategy"]


def put(folder: Path, text: str, name: str = "poet.md") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def with_settings(*lines: str) -> str:
    return "\n".join(["---", "name: poet", "description: Writes verse.", *lines, "---"]) + SECTIONS


def load(folder: Path, text: str) -> Library:
    put(folder, text)
    return Library.load(folder)


def test_five_types_are_built_in_and_none_sets_a_threshold() -> None:
    library = Library.load(None)
    assert [known.name for known in library.types] == BUILT_INS
    assert library.problems == ()
    assert {known.similarity_threshold for known in library.types} == {None}
    assert {known.origin for known in library.types} == {BUILT_IN}


def test_only_the_guide_sees_its_session() -> None:
    assert [known.name for known in Library.load(None).types if known.sees_session] == ["guide"]


def test_no_two_built_in_types_share_instructions_and_no_critic_is_told_that_there_is_an_error() -> None:
    types = Library.load(None).types
    texts = [text for known in types for text in (known.draft, known.critique, known.revision)]
    assert len(set(texts)) == 3 * len(types)
    assert not any(
        word in known.critique.lower() for known in types for word in (" error", "must find", "at least one")
    )


def test_a_file_of_the_users_adds_a_type_with_all_that_it_says(tmp_path: Path) -> None:
    settings = ("similarity_threshold: 0.9", "max_iterations: 5", "temperature: 1.5", "model: openai:x")
    text = with_settings(*settings, "clear_history: true", "sees_session: true")
    assert load(tmp_path, text).get("poet") == CompanionType(
        name="poet",
        description="Writes verse.",
        similarity_threshold=0.9,
        max_iterations=5,
        temperature=1.5,
        model="openai:x",
        clear_history=True,
        sees_session=True,
        draft="Write {it}.",
        critique="Judge it.\n\n### Points\n\nEach.",
        revision="Mend it.",
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        origin="poet.md",
    )


def test_a_file_of_the_users_replaces_the_built_in_type_of_its_name(tmp_path: Path) -> None:
    put(tmp_path, GOOD.replace("poet", "generic"), "generic.md")
    library = Library.load(tmp_path)
    assert library.get("generic").draft == "Write {it}."
    assert [known.name for known in library.types] == BUILT_INS


def test_line_ends_and_a_byte_order_mark_of_windows_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "poet.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert Library.load(tmp_path).get("poet").critique == "Judge it.\n\n### Points\n\nEach."


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("critic: a", "critic: there is no such setting"),
        ("<<: {max_iterations: 2}", "<<: there is no such setting"),
        ("similarity_threshold: 1.1", "similarity_threshold: it must be a number from 0 to 1"),
        ("similarity_threshold: .nan", "similarity_threshold: it must be a number from 0 to 1"),
        ("similarity_threshold: true", "similarity_threshold: it must be a number from 0 to 1"),
        ("max_iterations: 0", "max_iterations: it must be a whole number of at least 1"),
        ("max_iterations: true", "max_iterations: it must be a whole number of at least 1"),
        ("max_iterations:", "max_iterations: it must be a whole number of at least 1"),
        ("temperature: hot", "temperature: it must be a number from 0 to 2"),
        ("model: ''", "model: it must be a model's name"),
        ("clear_history: 1", "clear_history: it must be true or false"),
        ("sees_session: 'no'", "sees_session: it must be true or false"),
        ("description: twice", "description: it is set twice"),
        ("model: [unclosed", "its settings are not YAML"),
        ("model: 2024-99-99", "its settings are not YAML"),
    ],
)
def test_a_setting_that_would_be_dead_or_wrong_is_reported_by_its_line(tmp_path: Path, setting: str, what: str) -> None:
    library = load(
        tmp_path, with_settings("max_iterations: 3" if "max_it" not in setting else "temperature: 1", setting)
    )
    assert [problem.what for problem in library.problems] == [what]
    (problem,) = library.problems
    assert problem.file == "poet.md"
    if "2024" not in setting and "unclosed" not in setting:
        assert problem.line == 5
    assert [known.name for known in library.types] == BUILT_INS


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "it does not begin with settings between two lines of ---"),
        (f"\n{GOOD}", 1, "it does not begin with settings between two lines of ---"),
        ("---\nname: poet\n", 1, "it does not begin with settings between two lines of ---"),
        (GOOD.replace("name: poet\n", ""), 1, "name: it is missing"),
        (GOOD.replace("name: poet", "name: Poet"), 2, "name: it must be lower-case letters, digits and _"),
        (GOOD.replace("name: poet", "name: bard"), 2, "name: it must be the file's own, poet"),
        (GOOD.replace("description: Writes verse.\n", ""), 1, "description: it is missing"),
        (GOOD.replace("\n## Draft", "Lost words.\n## Draft"), 5, "text before the first section would not be used"),
        (GOOD + "## Synthesis\n\nJoin.\n", 21, "there is no section 'synthesis'"),
        (GOOD + "## Draft\n\nMore.\n", 21, "there is another section 'draft'"),
        (GOOD.replace("Judge it.\n\n### Points\n\nEach.", ""), 10, "the section 'Critique' is empty"),
        (GOOD.partition("## Revision")[0], 1, "the section 'Revision' is missing"),
    ],
)
def test_a_file_without_the_right_shape_is_reported_by_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    assert load(tmp_path, text).problems == (Problem(file="poet.md", line=line, what=what),)


def test_a_file_that_is_not_utf_8_is_reported_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "poet.md").write_bytes(GOOD.encode().replace(b"verse", b"\xff"))
    assert Library.load(tmp_path).problems == (Problem(file="poet.md", line=3, what="it is not UTF-8 text"),)


def test_a_file_that_cannot_be_read_is_reported_and_the_others_keep_working(tmp_path: Path) -> None:
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.md").mkdir()
    library = load(tmp_path, GOOD)
    assert [str(problem) for problem in library.problems] == [
        "folder.md: the file cannot be read",
        "gone.md: the file cannot be read",
    ]
    assert library.get("poet").origin == "poet.md"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="no companion type 'poet'") as caught:
        Library.load(None).get("poet")
    assert all(name in caught.value.remedy for name in BUILT_INS)


def test_the_name_of_a_broken_file_is_answered_with_what_is_wrong_even_if_a_built_in_type_has_it(
    tmp_path: Path,
) -> None:
    put(tmp_path, GOOD.replace("name: poet", "name: generic\ncritic: a"), "generic.md")
    library = Library.load(tmp_path)
    with pytest.raises(UnknownNameError, match=r"generic\.md, line 3: critic: there is no such setting") as caught:
        library.get("generic")
    assert "generic" not in caught.value.remedy
    assert library.get("guide").origin == BUILT_IN


def test_a_library_stays_itself_until_a_file_changes_appears_or_goes(tmp_path: Path) -> None:
    first = load(tmp_path, GOOD)
    assert first.refreshed() is first
    changed = put(tmp_path, GOOD.replace("Mend", "Fix!"))
    os.utime(changed, (0, 0))
    second = first.refreshed()
    assert second.get("poet").revision == "Fix! it."
    put(tmp_path, GOOD.replace("poet", "bard"), "bard.md")
    third = second.refreshed()
    assert third.get("bard").name == "bard"
    changed.unlink()
    assert [known.name for known in third.refreshed().types] == sorted([*BUILT_INS, "bard"])


def test_a_folder_that_does_not_exist_yet_is_reported_and_read_once_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    library = Library.load(folder)
    assert library.problems == (Problem(file=str(folder), line=0, what="the folder cannot be read"),)
    assert library.refreshed() is library
    folder.mkdir()
    put(folder, GOOD)
    assert library.refreshed().get("poet").origin == "poet.md"
    assert library.refreshed().problems == ()


def test_built_in_types_alone_never_ask_the_file_system_again() -> None:
    library = Library.load(None)
    assert library.refreshed() is library


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"name": "Poet"}, "name must be"),
        ({"similarity_threshold": -0.1}, "similarity_threshold must be"),
        ({"max_iterations": 0}, "max_iterations must be"),
        ({"temperature": 2.1}, "temperature must be"),
        ({"draft": " \n"}, "draft instructions of poet are empty"),
    ],
)
def test_a_type_that_no_companion_could_go_by_cannot_be_built(changed: dict[str, Any], what: str) -> None:
    values: dict[str, Any] = {"name": "poet", "description": "Verse.", "digest": "0" * 16, "origin": "poet.md"}
    values |= {"draft": "a", "critique": "b", "revision": "c"}
    with pytest.raises(ValueError, match=what):
        CompanionType(**(values | changed))
